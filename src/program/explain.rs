//! The report of a kernel's plan.

use super::layouts::LayoutClass;
use super::{Binding, Call, Kernel};
use crate::compile::Compiled;
use crate::error::Result;
use crate::report::{Report, Source};

impl Kernel {
    /// Everything that the kernel does, for arrays in C order: its loop nests, the place of every value and the reason for it,
    /// scratch memory, and traffic.
    ///
    /// ```
    /// use elide::{Kernel, s};
    ///
    /// let mut b = Kernel::builder("smooth");
    /// let [n] = b.dims(["n"]);
    /// let x = &b.input::<f64>("x", [n]);
    /// b.output("y", (x.slice(s![1..]) + x.slice(s![..-1])) * 0.5);
    /// let report = b.build()?.explain()?;
    /// assert!(report.to_string().starts_with("\
    /// kernel smooth, for arrays in C order
    ///   input x : f64[n]
    ///   output y : f64[max(n - 1, 0)]
    /// "));
    /// assert_eq!(report.flops().to_string(), "2*max(n - 1, 0)");
    /// # Ok::<(), elide::Error>(())
    /// ```
    ///
    /// # Errors
    /// What compiling may report.
    pub fn explain(&self) -> Result<Report> {
        self.explain_for(self.contiguous_key(), true)
    }

    fn explain_for(&self, classes: Vec<LayoutClass>, large: bool) -> Result<Report> {
        let plan = self.plan(classes.clone(), large)?;
        Ok(self.source(&plan, &classes, large).report())
    }

    pub(super) fn source<'a>(&'a self, plan: &'a Compiled, classes: &[LayoutClass], large: bool) -> Source<'a> {
        let named = self.0.inputs.iter().chain(&self.0.outputs).zip(classes);
        let mut others: Vec<String> = Vec::new();
        for (spec, class) in named.filter(|(_, c)| **c != LayoutClass::Contiguous) {
            let words = format!("`{}` {}", spec.name, class.words());
            // An array that is updated is an input and an output.
            if !others.contains(&words) {
                others.push(words);
            }
        }
        let graph = if large { &self.0.graph } else { self.general().unwrap_or(&self.0.graph) };
        Source { kernel: &self.0.name, graph, plan, layouts: others.join(", ") }
    }
}

impl Binding<'_, '_> {
    /// As [`Call::explain`].
    ///
    /// # Errors
    /// What compiling may report.
    pub fn explain(&self) -> Result<Report> {
        self.frame().explain()
    }
}

impl Call {
    /// As [`Kernel::explain`], for arrays that lie as those of the last run; in C order before the first.
    ///
    /// # Errors
    /// What compiling may report.
    pub fn explain(&self) -> Result<Report> {
        match self.classes() {
            Some((classes, large)) => self.kernel().explain_for(classes, large),
            None => self.kernel().explain(),
        }
    }
}
