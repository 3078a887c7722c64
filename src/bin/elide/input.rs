//! The arrays that a program reads.

use elide::npy::NpyFile;
use elide::text::InputSpec;
use elide::{ArrayRef, DType, Shape, lazy};

use crate::args::{ArraySpec, Input};
use crate::buffer::Buffer;
use crate::failure::Failure;

/// An array that is there, or one of which only the type is known.
pub enum Array {
    Mapped(NpyFile),
    Filled(Buffer),
    Typed(InputSpec),
}

/// A named array.
pub struct Loaded {
    pub name: String,
    array: Array,
}

/// Opens the files among the inputs.
pub fn load(inputs: &[Input]) -> Result<Vec<Loaded>, Failure> {
    let mut loaded: Vec<Loaded> = Vec::new();
    for Input { name, array } in inputs {
        if loaded.iter().any(|other| other.name == *name) {
            return Err(Failure::Usage(format!("input {name} is given twice")));
        }
        let array = match array {
            ArraySpec::File(path) => Array::Mapped(NpyFile::open(path)?),
            ArraySpec::Type(spec) => Array::Typed(spec.clone()),
        };
        loaded.push(Loaded { name: name.clone(), array });
    }
    Ok(loaded)
}

/// Opens inputs that must be arrays, not types.
pub fn load_files(inputs: &[Input]) -> Result<Vec<Loaded>, Failure> {
    if let Some(input) = inputs.iter().find(|input| matches!(input.array, ArraySpec::Type(_))) {
        let message = format!("input {} is given as a type, but eval needs its values: give a .npy file", input.name);
        return Err(Failure::Usage(message));
    }
    load(inputs)
}

/// Opens the files among the inputs, and makes up values for those that are given as a type.
pub fn load_and_fill(inputs: &[Input], dims: &[(String, usize)]) -> Result<Vec<Loaded>, Failure> {
    for (k, (name, _)) in dims.iter().enumerate() {
        if dims[..k].iter().any(|(other, _)| other == name) {
            return Err(Failure::Usage(format!("dim {name} is given twice")));
        }
        let used = |spec: &InputSpec| spec.shape.extents().iter().any(|extent| extent.as_dim() == Some(name));
        if !inputs.iter().any(|input| matches!(&input.array, ArraySpec::Type(spec) if used(spec))) {
            return Err(Failure::Usage(format!("--dim {name}: no input has a dim of this name")));
        }
    }
    let mut loaded = load(inputs)?;
    for (k, input) in loaded.iter_mut().enumerate() {
        let Array::Typed(spec) = &input.array else { continue };
        let mut shape = Vec::new();
        for extent in spec.shape.extents() {
            let size = match extent.as_dim() {
                Some(name) => dims.iter().find(|(other, _)| other == name).map(|(_, n)| *n),
                None => extent.as_const().and_then(|n| usize::try_from(n).ok()),
            };
            let ask = || Failure::Usage(format!("input {}: how large is dim {extent}? say so with --dim {extent}=1000", input.name));
            shape.push(size.ok_or_else(ask)?);
        }
        let mut buffer = Buffer::zeros(&input.name, spec.dtype, &shape)?;
        buffer.randomize(k as u64);
        input.array = Array::Filled(buffer);
    }
    Ok(loaded)
}

impl Loaded {
    /// An array of values that are at hand.
    pub fn filled(name: &str, buffer: Buffer) -> Loaded {
        Loaded { name: name.to_string(), array: Array::Filled(buffer) }
    }

    pub fn dtype(&self) -> DType {
        match &self.array {
            Array::Mapped(file) => file.dtype(),
            Array::Filled(buffer) => buffer.dtype(),
            Array::Typed(spec) => spec.dtype,
        }
    }

    /// The shape to compile for. That of an array is made of numbers.
    pub fn shape(&self) -> Shape {
        match &self.array {
            Array::Mapped(file) => Shape::fixed(file.shape()),
            Array::Filled(buffer) => Shape::fixed(buffer.shape()),
            Array::Typed(spec) => spec.shape.clone(),
        }
    }

    /// True if the bytes of each element are in the order that this machine does not use.
    pub fn is_swapped(&self) -> bool {
        matches!(&self.array, Array::Mapped(file) if file.is_swapped())
    }

    /// The bytes that the elements take, 0 if they are not there.
    pub fn byte_count(&self) -> usize {
        match &self.array {
            Array::Mapped(file) => file.bytes().len(),
            Array::Filled(buffer) => buffer.bytes().len(),
            Array::Typed(_) => 0,
        }
    }

    /// Copies the values to an array of the same type and shape.
    pub fn copy_to(&self, buffer: &mut Buffer) -> Result<(), Failure> {
        match &self.array {
            Array::Mapped(file) if !file.is_fortran() && !file.is_swapped() => buffer.copy_from(file.bytes()),
            Array::Filled(from) => buffer.copy_from(from.bytes()),
            _ => lazy(self.view()?).eval_into(buffer.view_mut()?)?,
        }
        Ok(())
    }

    /// The values.
    pub fn view(&self) -> Result<ArrayRef<'_>, Failure> {
        match &self.array {
            Array::Mapped(file) => Ok(file.view()?),
            Array::Filled(buffer) => Ok(buffer.view()?),
            Array::Typed(_) => Err(Failure::Usage(format!("input {} has a type but no values", self.name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, spec: &str) -> Input {
        Input { name: name.to_string(), array: ArraySpec::Type(spec.parse().unwrap()) }
    }

    #[test]
    fn dims_get_their_sizes() {
        let inputs = [typed("x", "f64[n,2]"), typed("y", "f64[n,2]")];
        let filled = load_and_fill(&inputs, &[("n".to_string(), 3)]).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(filled[0].shape(), Shape::fixed(&[3, 2]));
        assert_eq!(filled[0].byte_count(), 48);
        let first = |k: usize| filled[k].view().unwrap_or_else(|f| panic!("{f}")).get(&[0, 0]);
        assert_ne!(first(0), first(1), "two inputs must not have the same values");
        let symbolic = load(&inputs).unwrap_or_else(|f| panic!("{f}"));
        assert_eq!(symbolic[0].shape().to_string(), "[n,2]");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let dim = |name: &str| (name.to_string(), 3);
        let message = |result: Result<Vec<Loaded>, Failure>| result.err().map(|f| f.to_string()).unwrap_or_default();
        assert_eq!(message(load(&[typed("x", "f64[]"), typed("x", "f64[]")])), "input x is given twice");
        assert_eq!(message(load_files(&[typed("x", "f64[]")])), "input x is given as a type, but eval needs its values: give a .npy file");
        assert_eq!(message(load_and_fill(&[typed("x", "f64[n]")], &[])), "input x: how large is dim n? say so with --dim n=1000");
        assert_eq!(message(load_and_fill(&[typed("x", "f64[n]")], &[dim("n"), dim("n")])), "dim n is given twice");
        assert_eq!(message(load_and_fill(&[typed("x", "f64[n]")], &[dim("n"), dim("m")])), "--dim m: no input has a dim of this name");
        let huge = load_and_fill(&[typed("x", "f64[4611686018427387904]")], &[]);
        assert_eq!(message(huge), "x: f64 of shape [4611686018427387904] does not fit in memory");
    }
}
