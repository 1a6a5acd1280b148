//! Parses types from SQL text. Source: `DataTypeParser.java`.

use std::str::FromStr;

use super::{DataField, DataType, DataTypeKind, DataTypes, MAX_NESTING};
use crate::error::{MetadataError, Result};

/// Words that are names only in back quotes.
const KEYWORDS: &[&str] = &[
    "CHAR",
    "STRING",
    "BOOLEAN",
    "BINARY",
    "BYTES",
    "DECIMAL",
    "NUMERIC",
    "DEC",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "PRECISION",
    "DATE",
    "TIME",
    "WITH",
    "WITHOUT",
    "LOCAL",
    "ZONE",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "YEAR",
    "MONTH",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "TO",
    "ARRAY",
    "MAP",
    "ROW",
    "NOT",
    "NULL",
    "VARCHAR",
    "VARBINARY",
    "INTERVAL",
    "MULTISET",
    "RAW",
    "LEGACY",
    "VARIANT",
    "BITMAP",
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Symbol(char),
    Text(String),
    Number(String),
    Keyword(&'static str),
    Name(String),
}

impl FromStr for DataType {
    type Err = MetadataError;

    /// Parses the SQL form of a type, such as `ROW<id INT NOT NULL, tags ARRAY<STRING>>`, ignoring case.
    fn from_str(text: &str) -> Result<Self> {
        let mut parser = Parser {
            input: text,
            rest: text,
            at: 0,
            ahead: None,
        };
        let data_type = parser.data_type(0)?;
        if parser.peek()?.is_some() {
            return Err(parser.wrong("the end"));
        }
        data_type.validate("data type")?;
        Ok(data_type)
    }
}

struct Parser<'a> {
    input: &'a str,
    /// The remaining text.
    rest: &'a str,
    /// The byte position of the token in `ahead`.
    at: usize,
    /// The next token, once it was peeked at.
    ahead: Option<Token>,
}

fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || "<>(),.".contains(character)
}

impl Parser<'_> {
    fn wrong(&self, expected: &str) -> MetadataError {
        let got: String = self
            .input
            .get(self.at..)
            .unwrap_or_default()
            .chars()
            .take(24)
            .collect();
        let got = if got.is_empty() {
            "the end".to_owned()
        } else {
            format!("{got:?}")
        };
        MetadataError::invalid(
            format!("data type, position {}", self.at),
            got,
            expected.to_owned(),
        )
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken.to_owned()
    }

    /// Text up to the closing delimiter. A doubled delimiter stands for itself.
    fn quoted(&mut self, delimiter: char) -> Result<String> {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            if character != delimiter {
                text.push(character);
                continue;
            }
            let rest = characters.as_str();
            let Some(behind) = rest.strip_prefix(delimiter) else {
                self.rest = rest;
                return Ok(text);
            };
            text.push(delimiter);
            characters = behind.chars();
        }
        Err(self.wrong("a closing quote"))
    }

    fn read_token(&mut self) -> Result<Option<Token>> {
        self.rest = self.rest.trim_start();
        self.at = self.input.len() - self.rest.len();
        let mut characters = self.rest.chars();
        let Some(first) = characters.next() else {
            return Ok(None);
        };
        let behind = characters.as_str();
        Ok(Some(match first {
            '<' | '>' | '(' | ')' | ',' | '.' => {
                self.rest = behind;
                Token::Symbol(first)
            }
            '\'' => {
                self.rest = behind;
                Token::Text(self.quoted('\'')?)
            }
            '`' => {
                self.rest = behind;
                Token::Name(self.quoted('`')?)
            }
            '0'..='9' => Token::Number(self.take_while(|c| c.is_ascii_digit())),
            _ => {
                let word = self.take_while(|c| !is_delimiter(c));
                let upper = word.to_uppercase();
                match KEYWORDS.iter().find(|keyword| **keyword == upper) {
                    Some(keyword) => Token::Keyword(keyword),
                    None => Token::Name(word),
                }
            }
        }))
    }

    fn peek(&mut self) -> Result<Option<&Token>> {
        if self.ahead.is_none() {
            self.ahead = self.read_token()?;
        }
        Ok(self.ahead.as_ref())
    }

    fn next(&mut self) -> Result<Option<Token>> {
        self.peek()?;
        Ok(self.ahead.take())
    }

    /// Takes the next token if it is that one.
    fn accept(&mut self, token: &Token) -> Result<bool> {
        let found = self.peek()? == Some(token);
        if found {
            self.ahead = None;
        }
        Ok(found)
    }

    fn accept_keyword(&mut self, keyword: &'static str) -> Result<bool> {
        self.accept(&Token::Keyword(keyword))
    }

    fn expect_keyword(&mut self, keyword: &'static str) -> Result<()> {
        if self.accept_keyword(keyword)? {
            Ok(())
        } else {
            Err(self.wrong(keyword))
        }
    }

    fn accept_symbol(&mut self, symbol: char) -> Result<bool> {
        self.accept(&Token::Symbol(symbol))
    }

    fn expect_symbol(&mut self, symbol: char) -> Result<()> {
        if self.accept_symbol(symbol)? {
            Ok(())
        } else {
            Err(self.wrong(&symbol.to_string()))
        }
    }

    fn number(&mut self) -> Result<u32> {
        match self.peek()? {
            Some(Token::Number(digits)) => match digits.parse::<u32>() {
                Ok(number) => {
                    self.ahead = None;
                    Ok(number)
                }
                Err(_) => Err(self.wrong("a number of at most 2147483647")),
            },
            _ => Err(self.wrong("a number")),
        }
    }

    /// A number in parentheses, if there is one.
    fn parameter(&mut self, default: u32) -> Result<u32> {
        if !self.accept_symbol('(')? {
            return Ok(default);
        }
        let number = self.number()?;
        self.expect_symbol(')')?;
        Ok(number)
    }

    fn nullability(&mut self) -> Result<bool> {
        if self.accept_keyword("NOT")? {
            self.expect_keyword("NULL")?;
            return Ok(false);
        }
        self.accept_keyword("NULL")?;
        Ok(true)
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType> {
        if depth > MAX_NESTING {
            return Err(self.wrong("a type nested at most 32 levels deep"));
        }
        let data_type = self.plain_type(depth)?;
        let data_type = data_type.with_nullable(self.nullability()?);
        // The other way to write an array, `INT ARRAY`.
        if self.accept_keyword("ARRAY")? {
            return Ok(DataTypes::array(data_type).with_nullable(self.nullability()?));
        }
        Ok(data_type)
    }

    fn plain_type(&mut self, depth: usize) -> Result<DataType> {
        let Some(Token::Keyword(keyword)) = self.peek()? else {
            return Err(self.wrong("a data type"));
        };
        let keyword = *keyword;
        self.ahead = None;
        Ok(match keyword {
            "CHAR" => DataTypes::char(self.parameter(1)?),
            "STRING" => DataTypes::string(),
            "BOOLEAN" => DataTypes::boolean(),
            "BINARY" => DataTypes::binary(self.parameter(1)?),
            "BYTES" => DataTypes::bytes(),
            "DECIMAL" | "NUMERIC" | "DEC" => self.decimal()?,
            "TINYINT" => DataTypes::tinyint(),
            "SMALLINT" => DataTypes::smallint(),
            "INT" | "INTEGER" => DataTypes::int(),
            "BIGINT" => DataTypes::bigint(),
            "FLOAT" => DataTypes::float(),
            "DOUBLE" => {
                self.accept_keyword("PRECISION")?;
                DataTypes::double()
            }
            "DATE" => DataTypes::date(),
            "TIME" => {
                let precision = self.parameter(0)?;
                if self.accept_keyword("WITHOUT")? {
                    self.time_zone()?;
                }
                DataTypes::time_with_precision(precision)
            }
            "TIMESTAMP" => self.timestamp()?,
            "TIMESTAMP_LTZ" => DataTypes::timestamp_ltz_with_precision(self.parameter(6)?),
            "ARRAY" => {
                self.expect_symbol('<')?;
                let element = self.data_type(depth + 1)?;
                self.expect_symbol('>')?;
                DataTypes::array(element)
            }
            "MAP" => {
                self.expect_symbol('<')?;
                let key = self.data_type(depth + 1)?;
                self.expect_symbol(',')?;
                let value = self.data_type(depth + 1)?;
                self.expect_symbol('>')?;
                DataTypes::map(key, value)
            }
            "ROW" => self.row(depth)?,
            _ => return Err(self.wrong("a data type of Fluss")),
        })
    }

    fn decimal(&mut self) -> Result<DataType> {
        if !self.accept_symbol('(')? {
            return Ok(DataTypes::decimal(10, 0));
        }
        let precision = self.number()?;
        let scale = if self.accept_symbol(',')? {
            self.number()?
        } else {
            0
        };
        self.expect_symbol(')')?;
        Ok(DataTypes::decimal(precision, scale))
    }

    fn time_zone(&mut self) -> Result<()> {
        self.expect_keyword("TIME")?;
        self.expect_keyword("ZONE")
    }

    fn timestamp(&mut self) -> Result<DataType> {
        let precision = self.parameter(6)?;
        if self.accept_keyword("WITHOUT")? {
            self.time_zone()?;
        } else if self.accept_keyword("WITH")? {
            self.expect_keyword("LOCAL")?;
            self.time_zone()?;
            return Ok(DataTypes::timestamp_ltz_with_precision(precision));
        }
        Ok(DataType::new(DataTypeKind::Timestamp { precision }))
    }

    fn row(&mut self, depth: usize) -> Result<DataType> {
        let close = if self.accept_symbol('(')? {
            ')'
        } else {
            self.expect_symbol('<')?;
            '>'
        };
        let mut fields = Vec::new();
        while !self.accept_symbol(close)? {
            if !fields.is_empty() {
                self.expect_symbol(',')?;
            }
            let Some(Token::Name(_)) = self.peek()? else {
                return Err(self.wrong("the name of a field"));
            };
            let Some(Token::Name(name)) = self.next()? else {
                return Err(self.wrong("the name of a field"));
            };
            let mut field = DataField::new(name, self.data_type(depth + 1)?);
            if let Some(Token::Text(_)) = self.peek()?
                && let Some(Token::Text(description)) = self.next()?
            {
                field = field.with_description(description);
            }
            fields.push(field);
        }
        Ok(DataTypes::row(fields))
    }
}
