//! The syntax tree: an arena whose nodes come after their operands.
//!
//! So evaluation is one loop over the nodes in order, a chain of a hundred thousand operators is no deeper than a short one,
//! and the order is also Python's order of evaluation.

use super::diagnostic::Span;
use crate::entity::define_index;
use crate::ops::BinaryOp;

define_index! {
    /// A node of the syntax tree.
    NodeId, "n"
}

/// A whole text.
#[derive(Debug, Default)]
pub(crate) struct Ast {
    /// Operands before users.
    pub nodes: Vec<Node>,
    pub statements: Vec<Statement>,
    /// The parameters of the `def`, if there is one.
    pub parameters: Option<Vec<Box<str>>>,
    pub returned: Option<Returned>,
}

/// One assignment, or the final expression.
///
/// Nodes are in Python's order of evaluation: those of the value, then those of each target; of `target += value` those of the
/// target first.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Left to right; none for a bare expression.
    pub targets: Vec<Target>,
    /// The operation of `+=` or of `np.add.at`, and its place. There is one target then.
    pub augment: Option<(BinaryOp, Span)>,
    /// True for `np.add.at`, which changes an element as often as it occurs.
    pub each: bool,
    pub value: NodeId,
    /// One past the last node of the statement.
    pub end: usize,
}

/// What is assigned to.
#[derive(Debug)]
pub(crate) struct Target {
    pub kind: TargetKind,
    pub span: Span,
    /// One past the last node of the target; for a name, where it starts.
    pub end: usize,
}

#[derive(Debug)]
pub(crate) enum TargetKind {
    Name(Box<str>),
    /// Elements of the array that a node evaluates to. The name is the one that the node starts with, if it does.
    Elements {
        base: NodeId,
        items: Vec<Index>,
        name: Option<Box<str>>,
    },
    /// `a, b = ...`
    Several(Vec<Target>),
}

/// The last statement, `return`.
#[derive(Debug)]
pub(crate) struct Returned {
    pub value: NodeId,
    /// Of each value: those of a tuple, or the only one.
    pub names: Vec<Box<str>>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub kind: NodeKind,
    /// All of the text of this node.
    pub span: Span,
    /// What to underline when the node itself fails: the operator, the method with its arguments, or all of it.
    pub blame: Span,
}

/// An operator of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    Neg,
    Pos,
    Invert,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Name(Box<str>),
    Bool(bool),
    Int(i128),
    Float(f64),
    /// `2j`
    Imaginary(f64),
    Str(Box<str>),
    None,
    Ellipsis,
    Tuple(Vec<NodeId>),
    List(Vec<NodeId>),
    Unary(Prefix, NodeId),
    Binary(BinaryOp, NodeId, NodeId),
    Attribute(NodeId, Box<str>),
    Subscript(NodeId, Vec<Index>),
    /// The function is a `Name` or an `Attribute`, never looked at as a value of its own.
    Call(NodeId, Vec<Argument>),
}

/// One item between the brackets of a subscript.
#[derive(Debug)]
pub(crate) enum Index {
    Item(NodeId),
    Slice { start: Option<NodeId>, stop: Option<NodeId>, step: Option<NodeId>, span: Span },
}

#[derive(Debug)]
pub(crate) struct Argument {
    /// The parameter's name, in `name=value`.
    pub keyword: Option<(Box<str>, Span)>,
    pub value: NodeId,
}

/// The operator as text has it; the operation's name where it has none.
pub(crate) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "**",
        BinaryOp::And => "&",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        other => other.name(),
    }
}

impl Target {
    /// The names that are assigned, each with whether it is as a whole.
    pub fn names(&self) -> Vec<(&str, bool)> {
        match &self.kind {
            TargetKind::Name(name) => vec![(name, true)],
            TargetKind::Elements { name, .. } => name.as_deref().map(|n| (n, false)).into_iter().collect(),
            TargetKind::Several(targets) => targets.iter().flat_map(Target::names).collect(),
        }
    }
}

impl Ast {
    /// For every node, whether it is what a call calls.
    pub fn called(&self) -> Vec<bool> {
        let mut called = vec![false; self.nodes.len()];
        for node in &self.nodes {
            if let NodeKind::Call(function, _) = node.kind {
                called[function.index()] = true;
            }
        }
        called
    }
}
