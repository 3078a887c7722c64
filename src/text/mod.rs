//! The textual expression language: array expressions as NumPy code has them.
//!
//! A program is a sequence of assignments, separated by `;` or line ends, and a last expression whose value is called
//! `result`:
//!
//! ```text
//! t = x[1:-1, ::2] + 1          # a comment
//! m = t.mean(axis=0, keepdims=True)
//! r = x[k, 1:]                  # the rows at an array of indices
//! s = x[x > 0].mean()           # one reduction; what is selected is in no memory
//! np.sqrt(((t - m)**2).sum(axis=0))
//! ```
//!
//! ```
//! let program = elide::text::parse("t = x[1:] - x[:-1]; abs(t).max()").unwrap();
//! assert_eq!(program.free_names(), ["x"]);
//! assert_eq!(program.outputs(), ["t", "result"]);
//! ```
//!
//! It means what Python with NumPy 2 would mean: precedence, promotion, weak scalars (`x + 1` keeps the type of `x`), and
//! Python's own arithmetic between scalars. The prefix `np.` may be left out. What Python defines and this language does not
//! (chained comparisons, `and`, loops, functions that elide does not have) is an error that says so, with the place underlined.
//!
//! Parts of arrays are assigned to, and arrays updated, as in NumPy; views share memory with what they are views of:
//!
//! ```text
//! x[1:] += x[:-1]               # an input is updated in place
//! v = x[::2]; v[...] = 0        # and so is it through a view
//! x[x < 0] = x[x < 0]**2        # the elements at a mask
//! np.add.at(x, k, 1)            # an element as often as its index occurs
//! a, b = b, a                   # names, not elements
//! ```
//!
//! Nothing is copied for it: an assignment makes the expression of the array that differs in a region. `docs/semantics.md` has
//! the rules. A program may also be the body of a function. Then its results are what it returns, under the names returned
//! (`result`, or `result0`, `result1` and so on, for expressions), and the arguments that it changes:
//!
//! ```text
//! import numpy as np
//!
//! def step(h, flux, dt):
//!     """Annotations and indentation have no meaning."""
//!     h[1:-1] -= dt * (flux[1:] - flux[:-1])
//!     return np.max(np.abs(flux)), h
//! ```
//!
//! | stage | file | |
//! |---|---|---|
//! | scan | `scan` | comments, continued lines and newlines in brackets become blanks; brackets match |
//! | parse | `grammar.pest`, `parse`, `statement`, `explain` | text to `Ast`, an arena with operands before users |
//! | lower | `lower`, `subscript`, `object`, `functions`, `elementwise`, `library`, `joining`, `lists`, `reductions` | one loop over the arena evaluates Python's values (`value`) and builds [`DynExpr`]s |
//! | assign | `assign`, `memory`, `select` | what a storage holds, which names look at it and how; elements at masks |
//!
//! Nothing recurses but the parser over brackets, whose nesting is bounded.

mod absent;
mod assign;
mod ast;
mod diagnostic;
mod elementwise;
mod explain;
mod functions;
mod input;
mod joining;
mod library;
mod lists;
mod lower;
mod memory;
mod object;
mod parse;
mod place;
mod reductions;
mod scan;
mod select;
mod statement;
mod subscript;
#[cfg(test)]
mod tests;
mod value;

use crate::error::Result;
use crate::expr::DynExpr;

pub use input::InputSpec;

/// The name under which a final bare expression is an output.
pub const RESULT: &str = "result";

/// A program that has been parsed.
#[derive(Debug)]
pub struct Program {
    source: Box<str>,
    ast: ast::Ast,
}

/// Parses a program.
///
/// # Errors
/// Text that is not a program, of kind [`Syntax`](crate::ErrorKind::Syntax) (or `Unsupported` for Python that this language
/// leaves out), with the place in the message.
pub fn parse(source: &str) -> Result<Program> {
    match parse::parse(source) {
        Ok(ast) => Ok(Program { source: source.into(), ast }),
        Err(mistake) => Err(mistake.render(source)),
    }
}

impl Program {
    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names that are read before they are assigned, in order of first use: what the inputs should provide.
    ///
    /// The language's own names (`pi`, `sum`, `f32`) are not among them, though an input of such a name takes its place.
    pub fn free_names(&self) -> Vec<String> {
        lower::free_names(&self.ast).into_iter().map(Into::into).collect()
    }

    /// True if an input of this name would be used: it is read before it is assigned. Unlike
    /// [`free_names`](Program::free_names) this knows that an input `e` takes the place of the number.
    ///
    /// ```
    /// let program = elide::text::parse("e * x")?;
    /// assert_eq!(program.free_names(), ["x"]);
    /// assert!(program.reads("e") && !program.reads("pi"));
    /// # Ok::<(), elide::Error>(())
    /// ```
    pub fn reads(&self, name: &str) -> bool {
        lower::reads(&self.ast, name)
    }

    /// The names that are assigned, in whole or in part, in order, and `result` for a final bare expression; of a function, the names
    /// returned and the inputs assigned to. Inputs that are changed through other names come to light in
    /// [`evaluate`](Program::evaluate) only.
    pub fn outputs(&self) -> Vec<String> {
        lower::outputs(&self.ast).into_iter().map(Into::into).collect()
    }

    /// Evaluates the program over expressions: the last value of every output.
    ///
    /// Scalars become arrays of rank 0. Names whose value is no array (a tuple of axes, say) are left out, and those whose length
    /// depends on the data ([`Output::count`]). Inputs that are changed through other names (`t = x[1:]; t[0] = 1`) come last.
    ///
    /// # Errors
    /// An unknown name, an operation that is not defined on its operands, shapes that do not fit, a `result` that is no
    /// array; with the place in the message. A mistake in an input is returned as it is.
    pub fn lower(&self, inputs: &[(String, DynExpr<'static>)]) -> Result<Vec<(String, DynExpr<'static>)>> {
        Ok(self.evaluate(inputs)?.into_iter().filter(|o| o.count.is_none()).map(|o| (o.name, o.value)).collect())
    }

    /// Like [`lower`](Program::lower), with those outputs told apart that are inputs updated in place.
    ///
    /// ```
    /// use elide::{Kernel, text};
    ///
    /// let mut b = Kernel::builder("running");
    /// let x = b.input::<f64>("x", [4]).into_dyn();
    /// for output in text::parse("x[1:] += x[:-1]; twice = 2 * x")?.evaluate(&[("x".to_string(), x.clone())])? {
    ///     if output.updates {
    ///         b.update(x.clone(), output.value);
    ///     } else {
    ///         b.output(&output.name, output.value);
    ///     }
    /// }
    /// let kernel = b.build()?;
    /// let (mut x, mut twice) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]);
    /// kernel.call().bind_mut("x", &mut x)?.bind_mut("twice", &mut twice)?.run()?;
    /// assert_eq!((x, twice), ([1.0, 3.0, 5.0, 7.0], [2.0, 6.0, 10.0, 14.0]));
    /// # Ok::<(), elide::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`lower`](Program::lower).
    pub fn evaluate(&self, inputs: &[(String, DynExpr<'static>)]) -> Result<Vec<Output>> {
        for (_, input) in inputs {
            input.check()?;
        }
        lower::lower(&self.ast, &self.source, inputs).map_err(|mistake| mistake.render(&self.source))
    }
}

impl Program {
    /// An error that building, binding or running what this program was evaluated to has returned, with the line of the text that
    /// it is about, as errors of [`evaluate`](Program::evaluate) have it. Other errors stay as they are.
    ///
    /// ```
    /// use elide::{Kernel, Requirement, text};
    ///
    /// let program = text::parse("m = x.max(axis=0)\ns = (x - m[::-1]).sum(axis=0)")?;
    /// let mut b = Kernel::builder("centred");
    /// let x = b.input::<f64>("x", [100, 100]).into_dyn();
    /// let results = program.lower(&[("x".to_string(), x)])?;
    /// b.output("s", results[1].1.clone()).require(Requirement::NoTemporaries);
    /// let error = program.quote(b.build().unwrap_err()).to_string();
    /// assert!(error.contains("line 1, column 6\n   |\n 1 | m = x.max(axis=0)\n"), "{error}");
    /// # Ok::<(), elide::Error>(())
    /// ```
    pub fn quote(&self, error: crate::Error) -> crate::Error {
        place::Places::quote(&self.source, error)
    }
}

/// A result of a program.
pub struct Output {
    /// Its name in the text.
    pub name: String,
    /// Its value.
    pub value: DynExpr<'static>,
    /// True if it is the input of this name, some elements of which were assigned to: in NumPy the caller's array changes. False
    /// for a new array that took the name of an input (`x = x + 1`).
    pub updates: bool,
    /// For elements that a mask selected (`x[x > 0]`), how many they are: an `i64` of rank 0. They are the first ones of the value,
    /// which has room for all.
    pub count: Option<DynExpr<'static>>,
}
