//! The methods that [`Expr`](crate::Expr) and [`DynExpr`](crate::DynExpr) share, written once: views, the three forms
//! of every reduction, and elementary functions.

/// Views, inside an `impl` of a type with `node` and `from_node`.
macro_rules! view_methods {
    () => {
        /// The elements at a slicing expression; see [`s!`](crate::s).
        #[track_caller]
        pub fn slice(&self, items: impl AsRef<[Slice]>) -> Self {
            Self::from_node(infer::slice(&self.node, items.as_ref(), Some(Site::caller())))
        }

        /// The axes in another order: axis `k` of the result is axis `order[k]` of this.
        #[doc(alias = "transpose")]
        #[track_caller]
        pub fn permuted_axes<A: Into<Axis>>(&self, order: impl IntoIterator<Item = A>) -> Self {
            let order: Vec<Axis> = order.into_iter().map(Into::into).collect();
            Self::from_node(infer::permute(&self.node, &order, Some(Site::caller())))
        }

        /// The axes in reverse order.
        #[doc(alias = "transpose")]
        #[track_caller]
        pub fn t(&self) -> Self {
            Self::from_node(infer::transpose(&self.node, Some(Site::caller())))
        }

        /// A new axis of extent 1, which is axis `at` of the result (-1 appends it).
        #[doc(alias = "expand_dims")]
        #[track_caller]
        pub fn insert_axis(&self, at: impl Into<Axis>) -> Self {
            Self::from_node(infer::insert_axis(&self.node, at.into(), Some(Site::caller())))
        }

        /// Removes an axis of extent 1.
        #[track_caller]
        pub fn remove_axis(&self, at: impl Into<Axis>) -> Self {
            Self::from_node(infer::remove_axis(&self.node, at.into(), Some(Site::caller())))
        }

        /// The elements of one axis in reverse order.
        #[doc(alias = "flipud")]
        #[track_caller]
        pub fn invert_axis(&self, axis: impl Into<Axis>) -> Self {
            Self::from_node(infer::flip(&self.node, axis.into(), Some(Site::caller())))
        }

        /// Two axes in each other's place.
        #[doc(alias = "swapaxes")]
        #[track_caller]
        pub fn swap_axes(&self, first: impl Into<Axis>, second: impl Into<Axis>) -> Self {
            Self::from_node(rearrange::swap_axes(&self.node, first.into(), second.into(), Some(Site::caller())))
        }

        /// The axis `from` as axis `to` of the result; the others keep their order.
        #[doc(alias = "moveaxis")]
        #[doc(alias = "rollaxis")]
        #[track_caller]
        pub fn move_axis(&self, from: impl Into<Axis>, to: impl Into<Axis>) -> Self {
            Self::from_node(rearrange::move_axis(&self.node, from.into(), to.into(), Some(Site::caller())))
        }

        /// Without the axes of extent 1. A named dim is kept, also where it turns out to be 1.
        #[track_caller]
        pub fn squeeze(&self) -> Self {
            Self::from_node(rearrange::squeeze(&self.node, Some(Site::caller())))
        }

        /// The elements of some axes, or of all (`..`), in reverse order.
        #[track_caller]
        pub fn flip(&self, axes: impl Into<Axes>) -> Self {
            Self::from_node(rearrange::flip(&self.node, &axes.into(), Some(Site::caller())))
        }

        /// Turned by quarters of a circle, from the first of two axes towards the second.
        #[track_caller]
        pub fn rot90(&self, quarters: isize, first: impl Into<Axis>, second: impl Into<Axis>) -> Self {
            Self::from_node(rearrange::rot90(&self.node, quarters, first.into(), second.into(), Some(Site::caller())))
        }

        /// Every `step`-th run of `length` elements along an axis: the axis counts the runs, and a new last axis is the index
        /// inside one. For windows over several axes call it once for each.
        ///
        /// ```
        /// use elide::lazy;
        /// let v = [1.0, 2.0, 3.0, 4.0];
        /// let pairs: Vec<f64> = lazy(&v).windows(0, 2, 1).mean_axis(1).eval()?;
        /// assert_eq!(pairs, [1.5, 2.5, 3.5]);
        /// # elide::Result::<()>::Ok(())
        /// ```
        #[doc(alias = "sliding_window_view")]
        #[track_caller]
        pub fn windows(&self, axis: impl Into<Axis>, length: usize, step: usize) -> Self {
            Self::from_node(rearrange::windows(&self.node, axis.into(), length, step, Some(Site::caller())))
        }

        /// The array in `parts` parts of equal extents along an axis. A mistake where that cannot be.
        #[track_caller]
        pub fn split(&self, parts: usize, axis: impl Into<Axis>) -> Vec<Self> {
            let list = rearrange::split(&self.node, parts, axis.into(), false, Some(Site::caller()));
            list.into_iter().map(Self::from_node).collect()
        }

        /// The array in `parts` parts along an axis, of which the first have one element more where they cannot be equal.
        #[track_caller]
        pub fn array_split(&self, parts: usize, axis: impl Into<Axis>) -> Vec<Self> {
            let list = rearrange::split(&self.node, parts, axis.into(), true, Some(Site::caller()));
            list.into_iter().map(Self::from_node).collect()
        }

        /// Stretched to another shape: missing axes come first, axes of extent 1 are repeated.
        ///
        /// Operators do this by themselves; it is for results that should have the larger shape.
        #[doc(alias = "broadcast_to")]
        #[track_caller]
        pub fn broadcast<E: Into<Extent>>(&self, shape: impl IntoIterator<Item = E>) -> Self {
            Self::from_node(infer::broadcast(&self.node, shape.into_iter().map(Into::into), Some(Site::caller())))
        }

        /// The main diagonal of the first two axes, as the last axis of the result.
        #[track_caller]
        pub fn diag(&self) -> Self {
            Self::from_node(infer::diagonal(&self.node, 0, Axis(0), Axis(1), Some(Site::caller())))
        }

        /// The diagonal of two axes, `offset` above the main one (below if negative), as the last axis of the result.
        #[track_caller]
        pub fn diagonal(&self, offset: isize, axis1: impl Into<Axis>, axis2: impl Into<Axis>) -> Self {
            Self::from_node(infer::diagonal(&self.node, offset, axis1.into(), axis2.into(), Some(Site::caller())))
        }

        /// The elements in C order under another shape of equal size. One extent may be -1: what the others leave.
        #[track_caller]
        pub fn reshape<E: Into<Extent>>(&self, shape: impl IntoIterator<Item = E>) -> Self {
            Self::from_node(infer::reshape(&self.node, shape.into_iter().map(Into::into), Some(Site::caller())))
        }

        /// The elements moved by `shift` along an axis; those that pass the end come in again at the start.
        #[track_caller]
        pub fn roll(&self, shift: isize, axis: impl Into<Axis>) -> Self {
            Self::from_node(pieces::roll(&self.node, shift, axis.into(), Some(Site::caller())))
        }

        /// Each element `count` times in a row along an axis.
        #[track_caller]
        pub fn repeat(&self, count: usize, axis: impl Into<Axis>) -> Self {
            Self::from_node(pieces::repeat(&self.node, count, axis.into(), Some(Site::caller())))
        }

        /// The array `counts` times along its last axes; if there are more counts than axes, new axes come first.
        #[track_caller]
        pub fn tile(&self, counts: impl AsRef<[usize]>) -> Self {
            Self::from_node(pieces::tile(&self.node, counts.as_ref(), Some(Site::caller())))
        }

        /// The shape, as far as it is known before arrays are bound. Of an expression with a mistake in it: `[]`.
        pub fn shape(&self) -> &Shape {
            &self.node.shape
        }

        /// The number of axes.
        #[doc(alias = "rank")]
        pub fn ndim(&self) -> usize {
            self.node.shape.rank()
        }

        /// # Errors
        /// If there is a mistake in this expression: the first one, with the place where it was written.
        pub fn check(&self) -> Result<()> {
            self.node.check()
        }

        pub(crate) fn node(&self) -> &NodeRef {
            &self.node
        }
    };
}

/// Per row a function of node, axes and site, and the names of the three forms: over all axes, over one, over several.
macro_rules! reduction_methods {
    ($( $(#[$doc:meta])* $all:ident $axis:ident $over:ident -> $Out:ty = $call:expr; )*) => { $(
        $(#[$doc])*
        ///
        /// Over all elements.
        #[track_caller]
        pub fn $all(&self) -> $Out {
            <$Out>::from_node($call(&self.node, &Axes::from(..), Some(Site::caller())))
        }

        $(#[$doc])*
        ///
        /// Along one axis, which is removed.
        #[track_caller]
        pub fn $axis(&self, axis: impl Into<Axis>) -> $Out {
            <$Out>::from_node($call(&self.node, &Axes::from(axis.into()), Some(Site::caller())))
        }

        $(#[$doc])*
        ///
        /// Over the given axes, which are removed, or kept with extent 1 after [`Axes::keepdims`].
        #[track_caller]
        pub fn $over(&self, axes: impl Into<Axes>) -> $Out {
            <$Out>::from_node($call(&self.node, &axes.into(), Some(Site::caller())))
        }
    )* };
}

/// Methods of one operand: `name = Op: Result`.
macro_rules! unary_methods {
    ($( $(#[$doc:meta])* $name:ident = $Op:ident -> $Out:ty, $call:path; )*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self) -> $Out {
            <$Out>::from_node($call(UnaryOp::$Op, &self.node, Some(Site::caller())))
        }
    )* };
}

/// The elementary functions of one operand, for both kinds of expression: of type `$Out`, made by `$call`.
macro_rules! function_methods {
    ($Out:ty, $call:path) => {
        unary_methods! {
            /// e to the power of the element.
            exp = Exp -> $Out, $call;
            /// 2 to the power of the element.
            exp2 = Exp2 -> $Out, $call;
            /// e to the power of the element, less 1; accurate near 0.
            #[doc(alias = "exp_m1")]
            expm1 = Expm1 -> $Out, $call;
            /// Natural logarithm; NaN below zero, -inf at zero.
            #[doc(alias = "ln")]
            log = Log -> $Out, $call;
            /// Logarithm to base 2; NaN below zero, -inf at zero.
            log2 = Log2 -> $Out, $call;
            /// Logarithm to base 10; NaN below zero, -inf at zero.
            log10 = Log10 -> $Out, $call;
            /// Natural logarithm of 1 plus the element; accurate near 0.
            #[doc(alias = "ln_1p")]
            log1p = Log1p -> $Out, $call;
            /// Sine of an angle in radians.
            sin = Sin -> $Out, $call;
            /// Cosine of an angle in radians.
            cos = Cos -> $Out, $call;
            /// Tangent of an angle in radians.
            tan = Tan -> $Out, $call;
            /// sin(pi x) / (pi x); 1 at zero.
            sinc = Sinc -> $Out, $call;
            /// Arcsine, in [-pi/2, pi/2]; NaN outside of [-1, 1].
            #[doc(alias = "arcsin")]
            asin = Asin -> $Out, $call;
            /// Arccosine, in [0, pi]; NaN outside of [-1, 1].
            #[doc(alias = "arccos")]
            acos = Acos -> $Out, $call;
            /// Arctangent, in [-pi/2, pi/2].
            #[doc(alias = "arctan")]
            atan = Atan -> $Out, $call;
            /// Hyperbolic sine.
            sinh = Sinh -> $Out, $call;
            /// Hyperbolic cosine.
            cosh = Cosh -> $Out, $call;
            /// Hyperbolic tangent.
            tanh = Tanh -> $Out, $call;
            /// 1 / (1 + e^-x).
            #[doc(alias = "sigmoid")]
            #[doc(alias = "expit")]
            logistic = Logistic -> $Out, $call;
            /// Inverse hyperbolic sine.
            #[doc(alias = "arcsinh")]
            asinh = Asinh -> $Out, $call;
            /// Inverse hyperbolic cosine; NaN below 1.
            #[doc(alias = "arccosh")]
            acosh = Acosh -> $Out, $call;
            /// Inverse hyperbolic tangent; NaN outside of [-1, 1].
            #[doc(alias = "arctanh")]
            atanh = Atanh -> $Out, $call;
            /// Cube root.
            cbrt = Cbrt -> $Out, $call;
            /// Error function.
            erf = Erf -> $Out, $call;
            /// 1 less the error function, accurate where that is near 1.
            erfc = Erfc -> $Out, $call;
            /// Gamma function; infinite at zeros, NaN at negative integers.
            #[doc(alias = "tgamma")]
            gamma = Gamma -> $Out, $call;
            /// Logarithm of the magnitude of the gamma function; infinite at 0 and at negative integers.
            #[doc(alias = "gammaln")]
            #[doc(alias = "ln_gamma")]
            lgamma = Lgamma -> $Out, $call;
            /// The distance to the next number away from zero, with the element's sign; NaN for infinities.
            spacing = Spacing -> $Out, $call;
        }
    };
}

/// The elementary functions of two operands: `$methods` is a macro for methods of two operands, whose rows have the operation
/// between `$before` and `$after`.
macro_rules! function2_methods {
    ($methods:ident, [$($before:tt)*], [$($after:tt)*]) => {
        $methods! {
            /// The angle of the point (`other`, `self`), in [-pi, pi].
            #[doc(alias = "arctan2")]
            atan2 = $($before)* Atan2 $($after)*;
            /// The distance of the point (`self`, `other`) from the origin; no square overflows.
            hypot = $($before)* Hypot $($after)*;
            /// ln(e^self + e^other); no power overflows.
            #[doc(alias = "logsumexp")]
            logaddexp = $($before)* Logaddexp $($after)*;
            /// log2(2^self + 2^other); no power overflows.
            logaddexp2 = $($before)* Logaddexp2 $($after)*;
            /// This magnitude with the sign of `other`, of which NaN is positive.
            copysign = $($before)* Copysign $($after)*;
            /// 0 below zero, 1 above, `other` at zero; NaN stays.
            heaviside = $($before)* Heaviside $($after)*;
            /// The number next to this in the direction of `other`; `other` where they are equal.
            #[doc(alias = "next_up")]
            #[doc(alias = "next_down")]
            nextafter = $($before)* Nextafter $($after)*;
        }
    };
}

pub(crate) use {function_methods, function2_methods, reduction_methods, unary_methods, view_methods};
