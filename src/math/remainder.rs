use super::Emit;
pub(super) fn floor_div<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let _ = (e, y);
    x
}
pub(super) fn rem<E: Emit>(e: &mut E, x: E::Value, y: E::Value) -> E::Value {
    let _ = (e, y);
    x
}
