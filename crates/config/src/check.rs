//! A file's tree against the table of keys: every unknown key and wrong type, not only the first.

use crate::draft::Draft;
use crate::keys::{Property, ROOT, Shape, join};
use crate::later;
use crate::parse::{Entry, Node, Value};
use crate::problem::{Place, Position, Problem};
use crate::suggest::did_you_mean;
use crate::value::{Complaint, from_node};
use std::path::Path;

/// Puts what fits into the draft, and what does not into its problems.
pub(crate) fn check(root: &Node, file: &Path, draft: &mut Draft) {
    let mut checker = Checker { file, draft };
    match &root.value {
        Value::Map(entries) => checker.section(entries, &ROOT, ""),
        Value::Null => {}
        other => {
            let message = format!("expected keys with values, got {}", other.kind());
            checker
                .draft
                .problem(Problem::of_file(file, Some(root.at), message));
        }
    }
}

struct Checker<'a> {
    file: &'a Path,
    draft: &'a mut Draft,
}

impl Checker<'_> {
    fn section(&mut self, entries: &[Entry], properties: &[Property], path: &str) {
        for (index, entry) in entries.iter().enumerate() {
            match named(properties, &entry.key) {
                Some(property) => {
                    let path = join(path, &property.name);
                    let before = entries.iter().take(index);
                    match before
                        .into_iter()
                        .find(|other| is_named(property, &other.key))
                    {
                        Some(other) => self.twice(entry, other, &path),
                        None => self.property(&entry.node, property, &path),
                    }
                }
                None => self.unknown(entry, properties, path),
            }
        }
    }

    fn property(&mut self, node: &Node, property: &Property, path: &str) {
        match (&property.shape, &node.value) {
            (Shape::Section(_) | Shape::Sections(_), Value::Null) => {}
            (Shape::Section(inner), Value::Map(entries)) => self.section(entries, inner, path),
            (Shape::Sections(inner), Value::List(items)) => self.list(items, inner, path),
            _ => match from_node(property, &node.value) {
                Ok(value) => self.draft.set(path, value, self.place(node.at)),
                Err(complaint) => self.complain(node.at, path, complaint),
            },
        }
    }

    fn list(&mut self, items: &[Node], properties: &[Property], path: &str) {
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Value::Map(entries) = &item.value else {
                let message = format!("expected a section of keys, got {}", item.value.kind());
                self.complain(item.at, &path, Complaint::new(message, None));
                continue;
            };
            self.section(entries, properties, &path);
            let given = |name: &str| entries.iter().any(|entry| entry.key == name);
            for missing in properties
                .iter()
                .filter(|one| one.required && !given(&one.name))
            {
                let complaint = Complaint::new(format!("`{}` is missing", missing.name), None);
                self.complain(item.at, &path, complaint);
            }
        }
    }

    fn twice(&mut self, entry: &Entry, first: &Entry, path: &str) {
        let message = format!(
            "`{}` is another name of `{}`, which is given on line {}",
            entry.key, first.key, first.at.line
        );
        self.complain(
            entry.at,
            path,
            Complaint::new(message, "keep one".to_owned()),
        );
    }

    fn unknown(&mut self, entry: &Entry, properties: &[Property], section: &str) {
        let path = join(section, &entry.key);
        if let Some(why) = later::refusal(&path) {
            let complaint = Complaint::new(why, "remove the key".to_owned());
            return self.complain(entry.at, &path, complaint);
        }
        let known = properties.iter().map(|property| property.name.as_str());
        let hint = did_you_mean(&entry.key, known.chain(later::names_below(section)));
        self.complain(entry.at, &path, Complaint::new("unknown key", hint));
    }

    fn complain(&mut self, at: Position, path: &str, complaint: Complaint) {
        let problem = Problem::new(self.place(at), path, complaint.message);
        self.draft.problem(problem.maybe_hint(complaint.hint));
    }

    fn place(&self, at: Position) -> Place {
        Place::File {
            path: self.file.to_owned(),
            at: Some(at),
        }
    }
}

fn named<'a>(properties: &'a [Property], name: &str) -> Option<&'a Property> {
    properties.iter().find(|property| is_named(property, name))
}

fn is_named(property: &Property, name: &str) -> bool {
    property.name == name || property.aliases.iter().any(|alias| alias == name)
}
