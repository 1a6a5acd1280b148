//! The modules of a crate: what each defines, imports and names, tests left out.

use std::collections::{HashMap, HashSet};

use super::tokens::{Token, tokens};
use crate::tidy::source::SourceFile;

/// A path as it is written: `["crate", "write", "Batch"]`.
pub(super) type Path = Vec<String>;

/// One module: a file, or a `mod` with a body inside one.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that it stands in, from the workspace's root.
    pub(super) file: String,
    /// Names of modules below it.
    pub(super) children: HashSet<String>,
    /// What it defines otherwise.
    pub(super) items: HashSet<String>,
    /// Its `use`s, by the name that they give.
    pub(super) imports: HashMap<String, Path>,
    /// What it imports everything of.
    pub(super) globs: Vec<Path>,
    /// Every path in it, those of its `use`s too.
    pub(super) paths: Vec<Path>,
}

/// The modules of one crate, by their path from its root.
pub(super) type Modules = HashMap<Path, Module>;

/// Reads the crate whose root is `root`, such as `crates/fluss-client/src/lib.rs`.
pub(super) fn read(files: &[SourceFile], root: &str) -> Modules {
    let files: HashMap<&str, &str> = files
        .iter()
        .filter(|file| file.is_rust())
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let mut modules = Modules::new();
    if let (Some(text), Some((folder, _))) = (files.get(root), root.rsplit_once('/')) {
        let mut reader = Reader {
            files: &files,
            modules: &mut modules,
        };
        reader.module(&mut tokens(text).as_slice(), &Path::new(), root, folder);
    }
    modules
}

struct Reader<'f> {
    files: &'f HashMap<&'f str, &'f str>,
    modules: &'f mut Modules,
}

/// Words after which a name is defined.
const DEFINING: [&str; 9] = [
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "fn",
    "const",
    "static",
    "macro_rules",
];

impl Reader<'_> {
    /// Reads one module from its tokens, up to the brace that closes it. `folder` is where its children have their files.
    fn module(&mut self, rest: &mut &[Token<'_>], path: &Path, file: &str, folder: &str) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        let mut depth = 0_usize;
        while let Some((token, after)) = rest.split_first() {
            match *token {
                Token::Sign('#') => {
                    let (is_test, after) = attribute(after);
                    *rest = if is_test { after_item(after) } else { after };
                    continue;
                }
                Token::Sign('{') => depth += 1,
                Token::Sign('}') if depth == 0 => {
                    *rest = after;
                    break;
                }
                Token::Sign('}') => depth -= 1,
                Token::Word("use") => {
                    *rest = use_tree(after, &Path::new(), &mut module);
                    continue;
                }
                Token::Word("mod") if depth == 0 => {
                    if let [Token::Word(name), tail @ ..] = after {
                        *rest = tail;
                        module.children.insert((*name).to_owned());
                        self.child(rest, path, name, file, folder);
                        continue;
                    }
                }
                Token::Word(word) if DEFINING.contains(&word) && depth == 0 => {
                    if let Some(name) = defined(after) {
                        module.items.insert(name.to_owned());
                    }
                }
                Token::Word(first) if matches!(after.first(), Some(Token::Path)) => {
                    let (found, tail) = inline_path(first, after);
                    module.paths.push(found);
                    *rest = tail;
                    continue;
                }
                _ => {}
            }
            *rest = after;
        }
        self.modules.insert(path.clone(), module);
    }

    /// Reads a module that was declared just now: its body, or its file.
    fn child(
        &mut self,
        rest: &mut &[Token<'_>],
        parent: &Path,
        name: &str,
        file: &str,
        folder: &str,
    ) {
        let mut path = parent.clone();
        path.push(name.to_owned());
        let below = format!("{folder}/{name}");
        if let [Token::Sign('{'), body @ ..] = *rest {
            *rest = body;
            self.module(rest, &path, file, &below);
            return;
        }
        for candidate in [format!("{below}.rs"), format!("{below}/mod.rs")] {
            if let Some(text) = self.files.get(candidate.as_str()) {
                let text = tokens(text);
                self.module(&mut text.as_slice(), &path, &candidate, &below);
            }
        }
    }
}

/// Reads an attribute behind its `#`: whether what it stands at is for tests only, and what follows it.
fn attribute<'t, 's>(rest: &'s [Token<'t>]) -> (bool, &'s [Token<'t>]) {
    let rest = match rest {
        [Token::Sign('!'), after @ ..] => after,
        _ => rest,
    };
    let Some((inside, after)) = bracketed(rest) else {
        return (false, rest);
    };
    let is_test = match inside {
        [Token::Word("test")] => true,
        [Token::Word("cfg"), Token::Sign('('), condition @ ..] => {
            matches!(condition, [Token::Word("test" | "doctest"), ..])
                || matches!(condition, [Token::Word("all"), ..])
                    && condition.contains(&Token::Word("test"))
        }
        _ => false,
    };
    (is_test, after)
}

/// What stands in the brackets that the tokens start with, and what follows them.
fn bracketed<'t, 's>(tokens: &'s [Token<'t>]) -> Option<(&'s [Token<'t>], &'s [Token<'t>])> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            let inside = tokens.get(1..at)?;
            return Some((inside, tokens.get(at + 1..)?));
        }
    }
    None
}

/// Skips the item that the tokens start with: up to its `;` or the end of its braces.
fn after_item<'t, 's>(mut rest: &'s [Token<'t>]) -> &'s [Token<'t>] {
    while let Some((token, after)) = rest.split_first() {
        match token {
            Token::Sign(';' | ',') => return after,
            Token::Sign('}') => return rest,
            Token::Sign('{') => return bracketed(rest).map_or(after, |(_, after)| after),
            Token::Sign('(' | '[') => rest = bracketed(rest).map_or(after, |(_, after)| after),
            _ => rest = after,
        }
    }
    rest
}

/// The name behind a defining word.
fn defined<'t>(rest: &[Token<'t>]) -> Option<&'t str> {
    let rest = match rest {
        [Token::Sign('!') | Token::Word("mut"), after @ ..] => after,
        _ => rest,
    };
    match rest {
        [Token::Word(name), ..] => Some(name),
        _ => None,
    }
}

/// Reads one tree of a `use`, behind `before`, and what follows it.
fn use_tree<'t, 's>(
    mut rest: &'s [Token<'t>],
    before: &Path,
    module: &mut Module,
) -> &'s [Token<'t>] {
    let mut path = before.clone();
    loop {
        match rest {
            [Token::Word("as"), Token::Word(name), after @ ..] => {
                module.paths.push(path.clone());
                module.imports.insert((*name).to_owned(), path);
                return after;
            }
            [Token::Word(word), after @ ..] => {
                path.push((*word).to_owned());
                rest = after;
            }
            [Token::Path, after @ ..] => rest = after,
            [Token::Sign('*'), after @ ..] => {
                module.globs.push(path);
                return after;
            }
            [Token::Sign('{'), after @ ..] => {
                rest = after;
                loop {
                    match rest {
                        [Token::Sign('}'), after @ ..] => return after,
                        [Token::Sign(','), after @ ..] => rest = after,
                        [] => return rest,
                        _ => rest = use_tree(rest, &path, module),
                    }
                }
            }
            _ => {
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                if let Some(name) = path.last().cloned() {
                    module.paths.push(path.clone());
                    module.imports.insert(name, path);
                }
                // A sign that belongs to nothing here is left out, so that reading always gets on.
                return match rest {
                    [Token::Sign('}' | ','), ..] | [] => rest,
                    [_, after @ ..] => after,
                };
            }
        }
    }
}

/// A path in the code, from its first word, and what follows it.
fn inline_path<'t, 's>(first: &str, mut rest: &'s [Token<'t>]) -> (Path, &'s [Token<'t>]) {
    let mut path = vec![first.to_owned()];
    while let [Token::Path, Token::Word(word), after @ ..] = rest {
        path.push((*word).to_owned());
        rest = after;
    }
    if let [Token::Path, after @ ..] = rest {
        rest = after;
    }
    (path, rest)
}
