use super::Emit;
pub(super) fn sin<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let _ = e;
    x
}
pub(super) fn cos<E: Emit>(e: &mut E, x: E::Value) -> E::Value {
    let _ = e;
    x
}
pub(super) fn atan2<E: Emit>(e: &mut E, y: E::Value, x: E::Value) -> E::Value {
    let _ = (e, y);
    x
}
