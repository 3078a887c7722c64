//! Text to syntax tree.
//!
//! The recursion (pest's own, the Pratt parser's and this file's) is bounded: `scan` bounds the nesting of brackets, and
//! operators that take their operand from the right (`-`, `~`, `**`) are counted before the Pratt parser sees them.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use pest::Parser;
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};
use pest_derive::Parser;

use super::ast::{Argument, Ast, Index, Node, NodeId, NodeKind, Prefix, Returned};
use super::diagnostic::{Mistake, Span};
use super::explain::{clip, explain, refused};
use super::scan::scan;
use crate::error::ErrorKind;
use crate::ops::BinaryOp;

#[derive(Parser)]
#[grammar = "text/grammar.pest"]
pub(super) struct Grammar;

/// How many of `-`, `+`, `~` and `**` may follow one another with no other operator between, those around brackets included:
/// each one takes stack.
const MAX_RIGHT: usize = 100;

/// Python's precedence, loosest first.
static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    use Rule::*;
    let left = |rules: &[Rule]| rules.iter().map(|&r| Op::infix(r, Assoc::Left)).reduce(|a, b| a | b).expect("a level has operators");
    PrattParser::new()
        .op(left(&[le, ge, eq, ne, lt, gt]))
        .op(left(&[bit_or]))
        .op(left(&[bit_xor]))
        .op(left(&[bit_and]))
        .op(left(&[shl, shr]))
        .op(left(&[add, sub]))
        .op(left(&[mul, div, floor_div, rem]))
        .op(Op::prefix(negate) | Op::prefix(plus) | Op::prefix(invert))
        .op(Op::infix(pow, Assoc::Right))
});

fn binary_op(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::le => BinaryOp::Le,
        Rule::ge => BinaryOp::Ge,
        Rule::eq => BinaryOp::Eq,
        Rule::ne => BinaryOp::Ne,
        Rule::lt => BinaryOp::Lt,
        Rule::gt => BinaryOp::Gt,
        Rule::bit_or => BinaryOp::Or,
        Rule::bit_xor => BinaryOp::Xor,
        Rule::bit_and => BinaryOp::And,
        Rule::shl => BinaryOp::Shl,
        Rule::shr => BinaryOp::Shr,
        Rule::add => BinaryOp::Add,
        Rule::sub => BinaryOp::Sub,
        Rule::mul => BinaryOp::Mul,
        Rule::div => BinaryOp::Div,
        Rule::floor_div => BinaryOp::FloorDiv,
        Rule::rem => BinaryOp::Rem,
        Rule::pow => BinaryOp::Pow,
        _ => return None,
    })
}

/// Parses a program; see `grammar.pest`.
pub(crate) fn parse(source: &str) -> Result<Ast, Mistake> {
    if u32::try_from(source.len()).is_err() {
        return Err(Mistake::new(ErrorKind::Unsupported, Span::new(0, 0), "the text is longer than 4 GiB"));
    }
    let text = scan(source)?;
    let mut pairs = Grammar::parse(Rule::program, &text).map_err(|e| explain(&text, &e))?;
    let builder = Builder { nodes: RefCell::default(), right: Cell::new(0) };
    let (mut statements, mut parameters, mut returned) = (Vec::new(), None, None::<Returned>);
    for pair in pairs.next().map(Pair::into_inner).into_iter().flatten() {
        if let (Some(r), false) = (&returned, pair.as_rule() == Rule::EOI) {
            let help = if parameters.is_some() { "the text has room for one function" } else { "it names the outputs" };
            return Err(Mistake::syntax(r.span, "`return` must be the last statement").help(help));
        }
        match pair.as_rule() {
            Rule::import => check_import(pair)?,
            Rule::header => parameters = Some(header(pair)?),
            Rule::statement => statements.push(builder.statement(pair)?),
            Rule::returns => returned = Some(builder.returned(pair)?),
            _ => {}
        }
    }
    // A string by itself is a comment, as in Python; a value is not, unless it is the last thing and nothing is returned.
    let nodes = builder.nodes.into_inner();
    let count = statements.len();
    let is_last = |k: usize| k + 1 == count && returned.is_none() && parameters.is_none();
    for (k, statement) in statements.iter().enumerate() {
        let node = &nodes[statement.value.index()];
        if statement.targets.is_empty() && !is_last(k) && !matches!(node.kind, NodeKind::Str(_)) {
            let help = if parameters.is_some() {
                "the results of a function are what it returns, and the arguments that it assigns to"
            } else {
                "only the last statement may be a bare expression; give this one a name: `t = ...`"
            };
            return Err(Mistake::syntax(node.span, "the value of this expression is not used").help(help));
        }
    }
    let mut k = 0;
    statements.retain(|s| {
        k += 1;
        !s.targets.is_empty() || is_last(k - 1)
    });
    Ok(Ast { nodes, statements, parameters, returned })
}

/// `import numpy as np`
fn check_import(pair: Pair<Rule>) -> Result<(), Mistake> {
    match pair.into_inner().find(|p| p.as_rule() == Rule::word) {
        Some(name) if !matches!(name.as_str(), "np" | "numpy") => {
            Err(Mistake::syntax(span_of(&name), "NumPy goes by the names `np` and `numpy` here"))
        }
        _ => Ok(()),
    }
}

/// The parameters of `def f(x, y):`. Annotations are not looked at.
fn header(pair: Pair<Rule>) -> Result<Vec<Box<str>>, Mistake> {
    let mut names: Vec<Box<str>> = Vec::new();
    for parameter in pair.into_inner().filter(|p| p.as_rule() == Rule::parameter) {
        let Some(name) = parameter.into_inner().next() else { continue };
        if names.iter().any(|n| **n == *name.as_str()) {
            return Err(Mistake::syntax(span_of(&name), format!("there are two parameters `{}`", clip(name.as_str()))));
        }
        names.push(name.as_str().into());
    }
    Ok(names)
}

/// A parsed operand. A comparison that no parentheses protect must not be compared again.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub(super) id: NodeId,
    bare_comparison: bool,
}

pub(super) struct Builder {
    // Shared by the three closures that the Pratt parser takes.
    pub(super) nodes: RefCell<Vec<Node>>,
    /// Signs and powers around the brackets that are being parsed.
    right: Cell<usize>,
}

impl Builder {
    pub(super) fn push(&self, kind: NodeKind, span: Span, blame: Span) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { kind, span, blame });
        NodeId::new(nodes.len() - 1)
    }

    fn span(&self, id: NodeId) -> Span {
        self.nodes.borrow()[id.index()].span
    }

    /// Expressions between commas, and whether there is a comma.
    fn items(&self, pair: Pair<Rule>) -> Result<(Vec<Operand>, bool), Mistake> {
        let (mut items, mut commas) = (Vec::new(), false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::comma => commas = true,
                _ => items.push(self.chain(part)?),
            }
        }
        Ok((items, commas))
    }

    /// One expression, or a tuple.
    pub(super) fn list(&self, pair: Pair<Rule>) -> Result<Operand, Mistake> {
        let span = span_of(&pair);
        let (items, commas) = self.items(pair)?;
        match items.as_slice() {
            [only] if !commas => Ok(*only),
            _ => {
                let ids = items.iter().map(|o| o.id).collect();
                Ok(Operand { id: self.push(NodeKind::Tuple(ids), span, span), bare_comparison: false })
            }
        }
    }

    /// Operators and operands, by precedence.
    fn chain(&self, pair: Pair<Rule>) -> Result<Operand, Mistake> {
        let outer = self.right.get();
        let (mut run, mut longest) = (0, 0);
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::negate | Rule::plus | Rule::invert | Rule::pow => run += 1,
                Rule::postfix => {}
                rule if binary_op(rule).is_some() => run = 0,
                _ => return Err(refused(&part)),
            }
            longest = longest.max(run);
            if outer + longest > MAX_RIGHT {
                return Err(Mistake::syntax(span_of(&part), format!("more than {MAX_RIGHT} signs or powers within one another"))
                    .help("name a part of the expression: `t = ...; ... t ...`"));
            }
        }
        self.right.set(outer + longest);
        let operand = self.operators(pair);
        self.right.set(outer);
        operand
    }

    fn operators(&self, pair: Pair<Rule>) -> Result<Operand, Mistake> {
        PRATT
            .map_primary(|p| self.postfix(p).map(|id| Operand { id, bare_comparison: false }))
            .map_prefix(|op, operand| {
                let operand = operand?;
                let prefix = match op.as_rule() {
                    Rule::negate => Prefix::Neg,
                    Rule::plus => Prefix::Pos,
                    _ => Prefix::Invert,
                };
                let blame = span_of(&op);
                let id = self.push(NodeKind::Unary(prefix, operand.id), blame.to(self.span(operand.id)), blame);
                Ok(Operand { id, bare_comparison: false })
            })
            .map_infix(|a, op, b| {
                let (a, b) = (a?, b?);
                let Some(binary) = binary_op(op.as_rule()) else { return Err(refused(&op)) };
                let blame = span_of(&op);
                let comparison = binary.is_comparison();
                if comparison && a.bare_comparison {
                    return Err(Mistake::syntax(blame, "comparisons of arrays cannot be chained")
                        .help("write `(a < b) & (b < c)` for `a < b < c`; the parentheses are needed, for `&` binds tighter than `<`"));
                }
                let id = self.push(NodeKind::Binary(binary, a.id, b.id), self.span(a.id).to(self.span(b.id)), blame);
                Ok(Operand { id, bare_comparison: comparison })
            })
            .parse(pair.into_inner())
    }

    /// An atom with its calls, subscripts and attributes.
    fn postfix(&self, pair: Pair<Rule>) -> Result<NodeId, Mistake> {
        let start = pair.as_span().start();
        self.trailed(start, pair.into_inner())
    }

    pub(super) fn trailed<'i>(&self, start: usize, mut parts: impl Iterator<Item = Pair<'i, Rule>>) -> Result<NodeId, Mistake> {
        let Some(atom) = parts.next() else { return Err(Mistake::syntax(Span::new(start, start), "an operand is missing")) };
        let mut id = self.atom(atom)?;
        for trailer in parts {
            let blame = span_of(&trailer);
            let span = Span::new(start, blame.end);
            match trailer.as_rule() {
                Rule::attribute => {
                    let name = trailer.into_inner().next().map_or("", |p| p.as_str());
                    id = self.push(NodeKind::Attribute(id, name.into()), span, blame);
                }
                Rule::subscript => {
                    let items = self.indices(trailer)?;
                    id = self.push(NodeKind::Subscript(id, items), span, blame);
                }
                _ => {
                    let args = trailer.into_inner().map(|p| self.argument(p)).collect::<Result<_, _>>()?;
                    // The name of the function belongs to what is underlined: `sum(x, axis=3)`, `.sum(axis=3)`.
                    let name = self.nodes.borrow()[id.index()].blame;
                    id = self.push(NodeKind::Call(id, args), span, name.to(blame));
                }
            }
        }
        Ok(id)
    }

    pub(super) fn argument(&self, pair: Pair<Rule>) -> Result<Argument, Mistake> {
        let mut keyword = None;
        let mut value = None;
        let span = span_of(&pair);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::keyword => {
                    let name = part.into_inner().next();
                    keyword = name.map(|p| (p.as_str().into(), span_of(&p)));
                }
                _ => value = Some(self.chain(part)?.id),
            }
        }
        match value {
            Some(value) => Ok(Argument { keyword, value }),
            None => Err(Mistake::syntax(span, "an argument without a value")),
        }
    }

    /// What is between the brackets of a subscript.
    pub(super) fn indices(&self, subscript: Pair<Rule>) -> Result<Vec<Index>, Mistake> {
        let span = span_of(&subscript);
        let items: Vec<Index> = subscript.into_inner().map(|p| self.index(p)).collect::<Result<_, _>>()?;
        if items.is_empty() {
            return Err(Mistake::syntax(span, "a subscript needs at least one index").help("`x[...]` is all of `x`"));
        }
        Ok(items)
    }

    fn index(&self, pair: Pair<Rule>) -> Result<Index, Mistake> {
        let span = span_of(&pair);
        let mut bounds = [None; 3];
        let mut at = 0;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::colon => at += 1,
                _ => bounds[at] = Some(self.chain(part)?.id),
            }
        }
        let [start, stop, step] = bounds;
        match (at, start) {
            (0, Some(id)) => Ok(Index::Item(id)),
            _ => Ok(Index::Slice { start, stop, step, span }),
        }
    }

    fn atom(&self, pair: Pair<Rule>) -> Result<NodeId, Mistake> {
        let span = span_of(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::paren => match pair.into_inner().next() {
                Some(list) => {
                    let id = self.list(list)?.id;
                    // What a user sees underlined includes the parentheses.
                    self.nodes.borrow_mut()[id.index()].span = span;
                    return Ok(id);
                }
                None => NodeKind::Tuple(Vec::new()),
            },
            Rule::bracket => match pair.into_inner().next() {
                Some(list) => NodeKind::List(self.items(list)?.0.iter().map(|o| o.id).collect()),
                None => NodeKind::List(Vec::new()),
            },
            Rule::ellipsis => NodeKind::Ellipsis,
            Rule::string => NodeKind::Str(text[1..text.len() - 1].into()),
            Rule::number => number(pair)?,
            _ => match text {
                "True" => NodeKind::Bool(true),
                "False" => NodeKind::Bool(false),
                "None" => NodeKind::None,
                _ => NodeKind::Name(text.into()),
            },
        };
        Ok(self.push(kind, span, span))
    }
}

pub(super) fn span_of(pair: &Pair<Rule>) -> Span {
    let s = pair.as_span();
    // Rules that allow blanks inside end with those they tried.
    Span::new(s.start(), s.start() + s.as_str().trim_end().len())
}

fn number(pair: Pair<Rule>) -> Result<NodeKind, Mistake> {
    let span = span_of(&pair);
    let whole = pair.as_str();
    let mut parts = pair.into_inner();
    let (Some(digits), junk) = (parts.next(), parts.next()) else { return Err(Mistake::syntax(span, "a number without digits")) };
    let imaginary = junk.as_ref().is_some_and(|j| matches!(j.as_str(), "j" | "J")) && digits.as_rule() != Rule::radix;
    if let Some(junk) = junk.filter(|_| !imaginary) {
        let (number, rest) = (digits.as_str(), junk.as_str());
        let e = Mistake::syntax(span, format!("`{}` is neither a number nor a name", clip(whole)));
        let is_name = rest.starts_with(|c: char| c.is_alphabetic()) && digits.as_rule() != Rule::radix;
        return Err(if is_name { e.help(format!("write `{} * {}` for a product", clip(number), clip(rest))) } else { e });
    }
    let clean = digits.as_str().replace('_', "").to_ascii_lowercase();
    let too_large = |_| Mistake::syntax(span, format!("`{}` does not fit in 128 bits", clip(whole)));
    Ok(match digits.as_rule() {
        // Digits alone are a float too, and may start with 0.
        _ if imaginary => match clean.parse() {
            Ok(x) => NodeKind::Imaginary(x),
            Err(_) => return Err(Mistake::syntax(span, format!("`{}` is not a number", clip(whole)))),
        },
        Rule::float => match clean.parse() {
            Ok(x) => NodeKind::Float(x),
            Err(_) => return Err(Mistake::syntax(span, format!("`{}` is not a number", clip(whole)))),
        },
        Rule::radix => {
            let base = match &clean[..2] {
                "0x" => 16,
                "0o" => 8,
                _ => 2,
            };
            if let Some(bad) = clean[2..].chars().find(|c| !c.is_digit(base)) {
                return Err(Mistake::syntax(span, format!("`{bad}` is not a digit in base {base}")));
            }
            NodeKind::Int(i128::from_str_radix(&clean[2..], base).map_err(too_large)?)
        }
        _ if clean.len() > 1 && clean.starts_with('0') && clean.bytes().any(|b| b != b'0') => {
            return Err(Mistake::syntax(span, "an integer cannot start with 0").help("an octal number is written `0o17`"));
        }
        _ => NodeKind::Int(clean.parse().map_err(too_large)?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ast::{Target, symbol};
    use super::*;

    /// Every node's text, children first: the form in which CPython's trees were recorded.
    fn trees(ast: &Ast) -> Vec<String> {
        let mut done: Vec<String> = Vec::new();
        for node in &ast.nodes {
            let get = |id: &NodeId| done[id.index()].clone();
            let bound = |id: &Option<NodeId>| id.as_ref().map_or("_".into(), get);
            let list = |head: &str, items: Vec<String>| {
                format!("({})", std::iter::once(head.to_string()).chain(items).collect::<Vec<_>>().join(" "))
            };
            done.push(match &node.kind {
                NodeKind::Name(n) => n.to_string(),
                NodeKind::Bool(b) => if *b { "True" } else { "False" }.into(),
                NodeKind::Int(x) => x.to_string(),
                NodeKind::Float(x) => format!("{x:?}"),
                NodeKind::Imaginary(x) => format!("{x:?}j"),
                NodeKind::Str(s) => format!("'{s}'"),
                NodeKind::None => "None".into(),
                NodeKind::Ellipsis => "...".into(),
                NodeKind::Tuple(items) | NodeKind::List(items) => list(",", items.iter().map(get).collect()),
                NodeKind::Unary(op, a) => {
                    let sign = match op {
                        Prefix::Neg => "u-",
                        Prefix::Pos => "u+",
                        Prefix::Invert => "u~",
                    };
                    list(sign, vec![get(a)])
                }
                NodeKind::Binary(op, a, b) => list(symbol(*op), vec![get(a), get(b)]),
                NodeKind::Attribute(a, name) => list(".", vec![get(a), name.to_string()]),
                NodeKind::Subscript(a, items) => {
                    let items = items.iter().map(|item| match item {
                        Index::Item(id) => get(id),
                        Index::Slice { start, stop, step, .. } => list(":", vec![bound(start), bound(stop), bound(step)]),
                    });
                    list("[]", std::iter::once(get(a)).chain(items).collect())
                }
                NodeKind::Call(f, args) => {
                    let args = args.iter().map(|a| match &a.keyword {
                        Some((name, _)) => format!("{name}={}", get(&a.value)),
                        None => get(&a.value),
                    });
                    list("call", std::iter::once(get(f)).chain(args).collect())
                }
            });
        }
        done
    }

    #[test]
    fn trees_are_pythons() {
        let mut seen = 0;
        for line in include_str!("testdata/trees.txt").lines().filter(|l| !l.starts_with("# ")) {
            let (text, want) = line.split_once(" => ").unwrap();
            let text = text.replace("\\n", "\n").replace("\\\\", "\\");
            let ast = parse(&text).unwrap_or_else(|m| panic!("{}", m.render(&text)));
            let tree = &trees(&ast)[ast.statements[0].value.index()];
            // CPython's shortest form of a float has another look.
            assert_eq!(tree.replace("1e3", "1000.0"), want, "{text}");
            seen += 1;
        }
        assert!(seen > 60);
    }

    #[test]
    fn nodes_come_after_their_operands() {
        let ast = parse("t = f(x[1:n, ...], -y**2) + (a, b)[0]; t * t.T").unwrap();
        for (k, node) in ast.nodes.iter().enumerate() {
            let below = |id: &NodeId| assert!(id.index() < k);
            match &node.kind {
                NodeKind::Unary(_, a) | NodeKind::Attribute(a, _) | NodeKind::Subscript(a, _) => below(a),
                NodeKind::Binary(_, a, b) => [a, b].into_iter().for_each(below),
                NodeKind::Tuple(items) | NodeKind::List(items) => items.iter().for_each(below),
                NodeKind::Call(f, args) => args.iter().map(|a| &a.value).chain([f]).for_each(below),
                _ => {}
            }
        }
    }

    #[test]
    fn statements() {
        let targets = |text: &str| {
            parse(text)
                .unwrap()
                .statements
                .iter()
                .map(|s| s.targets.iter().flat_map(Target::names).map(|n| n.0).collect::<Vec<_>>().join("="))
                .collect::<Vec<_>>()
        };
        assert_eq!(targets("t = x; y = z = t # tail\n\n  t == y ;"), ["t", "y=z", ""]);
        assert_eq!(targets("t = (x +\n  y)\r\nu = t"), ["t", "u"]);
        for empty in ["", "  ", "\n\n", ";", "# nothing", "# nothing\n;\t;"] {
            assert!(targets(empty).is_empty(), "{empty:?}");
        }
    }

    /// Inputs made to exhaust the stack or the clock. A test thread has 2 MiB of stack.
    #[test]
    fn long_input_parses_and_deep_input_is_refused() {
        let n = 100_000;
        let deep = |open: &str, close: &str| open.repeat(n) + "x" + &close.repeat(n);
        for text in
            [deep("(", ")"), deep("[", "]"), deep("f(", ")"), deep("x[", "]"), "(".repeat(n), "-".repeat(n) + "x", "~-".repeat(n) + "x"]
        {
            assert!(parse(&text).is_err());
        }
        assert!(parse(&(("(".to_string() + &"-".repeat(99)).repeat(99) + "x" + &")".repeat(99))).is_err());
        assert!(parse(&("x".to_string() + &"**x".repeat(n))).is_err());
        assert!(parse(&("x".to_string() + &"**-x".repeat(n))).is_err());
        for text in [
            "x".to_string() + &" + x".repeat(n),
            "x".to_string() + &" * -x**2 + y".repeat(n / 4),
            "x".to_string() + &"[0]".repeat(n / 5),
            "x".to_string() + &".T".repeat(n),
            format!("sum({})", vec!["x"; n / 5].join(",")),
            "t = x;".repeat(n / 5),
            "t = x\n".repeat(n / 5),
            "x".repeat(n),
            "x = 1 #".to_string() + &"é(".repeat(n),
        ] {
            parse(&text).unwrap_or_else(|m| panic!("{}", m.render(&text)));
        }
        // As deep as is allowed, with everything that takes stack at each level.
        let level = "(-x**-f(a, (y[(";
        let deepest = level.repeat(100 / 5) + "z" + &")])))".repeat(100 / 5);
        parse(&deepest).unwrap_or_else(|m| panic!("{}", m.render(&deepest)));
    }
}
