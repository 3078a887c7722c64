//! Statements: assignments with what stands before `=`, `np.add.at(x, i, v)`, and `return`.

use pest::iterators::Pair;

use super::RESULT;
use super::ast::{Argument, Index, NodeId, NodeKind, Returned, Statement, Target, TargetKind};
use super::diagnostic::{Mistake, Span};
use super::explain::{augmented, clip};
use super::functions;
use super::parse::{Builder, Rule, span_of};
use crate::ops::BinaryOp;

/// The operation of an augmented assignment.
fn augmentation(symbol: &str) -> Option<BinaryOp> {
    Some(match symbol {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "//" => BinaryOp::FloorDiv,
        "%" => BinaryOp::Rem,
        "**" => BinaryOp::Pow,
        "&" => BinaryOp::And,
        "|" => BinaryOp::Or,
        "^" => BinaryOp::Xor,
        "<<" => BinaryOp::Shl,
        ">>" => BinaryOp::Shr,
        _ => return None,
    })
}

/// The atom and the trailers of an expression without operators.
fn only_postfix<'i>(chain: &Pair<'i, Rule>) -> Option<Vec<Pair<'i, Rule>>> {
    let mut parts = chain.clone().into_inner();
    match (parts.next(), parts.next()) {
        (Some(postfix), None) if postfix.as_rule() == Rule::postfix => Some(postfix.into_inner().collect()),
        _ => None,
    }
}

/// The name that an expression starts with, if it does: `np.reshape(x, -1)[0]` starts with no array.
fn first_name(parts: &[Pair<Rule>]) -> Option<Box<str>> {
    let called = parts.get(1).is_some_and(|p| p.as_rule() == Rule::call);
    let first = parts.first().filter(|p| p.as_rule() == Rule::word && !called)?;
    Some(first.as_str().into())
}

/// A call of `np.add.at` or the like.
struct Accumulation<'i> {
    op: BinaryOp,
    /// `add.at`
    name: String,
    call: Pair<'i, Rule>,
}

/// The call, if that is what the text is.
fn accumulation<'i>(list: &Pair<'i, Rule>) -> Option<Accumulation<'i>> {
    let mut items = list.clone().into_inner();
    let (Some(chain), None) = (items.next(), items.next()) else { return None };
    let mut parts = only_postfix(&chain)?;
    let call = parts.pop().filter(|p| p.as_rule() == Rule::call)?;
    let words: Vec<&str> = parts.iter().map(|p| p.as_str().trim_start_matches('.').trim()).collect();
    let name = match words.as_slice() {
        ["np" | "numpy", name, "at"] | [name, "at"] => *name,
        _ => return None,
    };
    functions::binary_operation(name).map(|op| Accumulation { op, name: format!("{name}.at"), call })
}

impl Builder {
    /// `a = b[0] = value`, or `a += value`
    pub(super) fn statement(&self, pair: Pair<Rule>) -> Result<Statement, Mistake> {
        let mut parts: Vec<Pair<Rule>> = pair.into_inner().collect();
        let Some(value) = parts.pop() else { return Err(Mistake::syntax(Span::new(0, 0), "a statement without a value")) };
        let signs = || parts.iter().filter(|p| p.as_rule() == Rule::assign);
        let lists = || parts.iter().filter(|p| p.as_rule() == Rule::list);
        if let Some(sign) = signs().find(|p| p.as_str() != "=") {
            let target = parts[0].as_str().trim();
            let op = match sign.as_str().trim_end_matches('=') {
                symbol if signs().count() == 1 => augmentation(symbol),
                _ => return Err(Mistake::syntax(span_of(sign), format!("`{}` cannot be one of several assignments", sign.as_str()))),
            };
            let Some(op) = op else { return Err(augmented(span_of(sign), sign.as_str(), target)) };
            let target = self.target(&parts[0])?;
            if let TargetKind::Several(_) = target.kind {
                return Err(Mistake::syntax(target.span, format!("`{}` takes one target", sign.as_str())));
            }
            let value = self.list(value)?.id;
            return Ok(Statement { targets: vec![target], augment: Some((op, span_of(sign))), each: false, value, end: self.count() });
        }
        if let (true, Some(call)) = (parts.is_empty(), accumulation(&value)) {
            return self.accumulated(call, span_of(&value));
        }
        let value = self.list(value)?.id;
        let targets = lists().map(|list| self.target(list)).collect::<Result<_, _>>()?;
        Ok(Statement { targets, augment: None, each: false, value, end: self.count() })
    }

    /// `return a, b + 1`
    pub(super) fn returned(&self, pair: Pair<Rule>) -> Result<Returned, Mistake> {
        let span = span_of(&pair);
        let Some(list) = pair.into_inner().find(|p| p.as_rule() == Rule::list) else {
            let value = self.push(NodeKind::Tuple(Vec::new()), span, span);
            return Ok(Returned { value, names: Vec::new(), span });
        };
        let value = self.list(list)?.id;
        let nodes = self.nodes.borrow();
        let name = |id: &NodeId, other: String| match &nodes[id.index()].kind {
            NodeKind::Name(name) => name.clone(),
            _ => other.into(),
        };
        let names: Vec<Box<str>> = match &nodes[value.index()].kind {
            NodeKind::Tuple(items) => items.iter().enumerate().map(|(k, id)| name(id, format!("{RESULT}{k}"))).collect(),
            _ => vec![name(&value, RESULT.into())],
        };
        Ok(Returned { value, names, span })
    }

    fn count(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// What stands before `=`.
    fn target(&self, list: &Pair<Rule>) -> Result<Target, Mistake> {
        let items: Vec<Pair<Rule>> = list.clone().into_inner().collect();
        match items.as_slice() {
            [only] => self.one_target(only),
            _ => {
                let targets = items.iter().filter(|p| p.as_rule() != Rule::comma).map(|p| self.one_target(p)).collect::<Result<_, _>>()?;
                Ok(Target { kind: TargetKind::Several(targets), span: span_of(list), end: self.count() })
            }
        }
    }

    fn one_target(&self, chain: &Pair<Rule>) -> Result<Target, Mistake> {
        let (span, text) = (span_of(chain), chain.as_str().trim());
        let refuse = || {
            let e = Mistake::syntax(span, format!("cannot assign to `{}`", clip(text)));
            Err(e.help("names and elements of arrays can be assigned to: `t = ...`, `x[1:] = ...`"))
        };
        let Some(mut parts) = only_postfix(chain) else { return refuse() };
        let Some(last) = parts.pop() else { return refuse() };
        if parts.is_empty() {
            return match (last.as_rule(), last.as_str()) {
                (Rule::word, name @ ("True" | "False" | "None")) => Err(Mistake::syntax(span, format!("cannot assign to `{name}`"))),
                (Rule::word, name) => Ok(Target { kind: TargetKind::Name(name.into()), span, end: self.count() }),
                _ => refuse(),
            };
        }
        if last.as_rule() != Rule::subscript {
            return refuse();
        }
        let name = first_name(&parts);
        let base = self.trailed(span.start, parts.into_iter())?;
        let items = self.indices(last)?;
        Ok(Target { kind: TargetKind::Elements { base, items, name }, span, end: self.count() })
    }

    /// `np.add.at(x, i, v)`: as `x[i] += v`, but elements that occur more than once are changed as often.
    fn accumulated(&self, of: Accumulation, span: Span) -> Result<Statement, Mistake> {
        let wrong = || {
            let mistake = Mistake::syntax(span, format!("`{}` takes an array, indices and values", clip(&of.name)));
            mistake.help(format!("`np.{}(x, i, v)`", of.name))
        };
        let arguments: Vec<Pair<Rule>> = of.call.clone().into_inner().collect();
        let Ok([base, index, value]) = <[Pair<Rule>; 3]>::try_from(arguments) else { return Err(wrong()) };
        let name = base.clone().into_inner().last().and_then(|chain| first_name(&only_postfix(&chain)?));
        let positional = |pair| match self.argument(pair)? {
            Argument { keyword: None, value } => Ok(value),
            _ => Err(wrong()),
        };
        let (base_span, base) = (span_of(&base), positional(base)?);
        let items = vec![Index::Item(positional(index)?)];
        let target = Target { kind: TargetKind::Elements { base, items, name }, span: base_span, end: self.count() };
        let value = positional(value)?;
        Ok(Statement { targets: vec![target], augment: Some((of.op, span)), each: true, value, end: self.count() })
    }
}
