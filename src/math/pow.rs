use super::Emit;
pub(super) fn pow<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let _ = (e, y);
    x
}
