//! Builds a schema and assigns ids to its columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{AggFunction, Column, ColumnInner, Inner, PrimaryKey, Schema};
use crate::data_type::{DataField, DataType, DataTypeKind, RowType};
use crate::error::{MetadataError, Result, quoted_text, shortened};

/// Collects columns and keys. [`build`](Self::build) validates everything.
#[derive(Debug, Clone, Default)]
pub struct SchemaBuilder {
    columns: Vec<Column>,
    /// Number of columns adopted with their ids, including nested fields.
    adopted: usize,
    highest_given: Option<i32>,
    comment_without_column: bool,
    primary_key: Option<(Option<String>, Vec<String>)>,
    second_primary_key: bool,
    auto_increment: Vec<String>,
}

impl SchemaBuilder {
    /// Starts with the columns of `schema`, which keep their ids. Columns added later get higher ones.
    pub fn from_schema(schema: &Schema) -> Self {
        Self {
            columns: schema.columns().to_vec(),
            adopted: schema.columns().len(),
            highest_given: Some(schema.highest_field_id()),
            primary_key: schema
                .primary_key()
                .map(|key| (Some(key.name().to_owned()), key.column_names().to_vec())),
            auto_increment: schema
                .auto_increment_column()
                .map(str::to_owned)
                .into_iter()
                .collect(),
            ..Self::default()
        }
    }

    /// Adds a column.
    #[must_use]
    pub fn column(self, name: impl Into<Arc<str>>, data_type: DataType) -> Self {
        self.push(name.into(), data_type, None)
    }

    /// Adds a column whose values of one key are merged by `aggregation`, for tables with the aggregation merge engine.
    #[must_use]
    pub fn column_with_agg(
        self,
        name: impl Into<Arc<str>>,
        data_type: DataType,
        aggregation: impl Into<AggFunction>,
    ) -> Self {
        self.push(name.into(), data_type, Some(aggregation.into()))
    }

    fn push(
        mut self,
        name: Arc<str>,
        data_type: DataType,
        aggregation: Option<AggFunction>,
    ) -> Self {
        self.columns
            .push(Self::make_column(name, data_type, None, aggregation, -1));
        self
    }

    /// Adds a column for each field of `row_type`.
    #[must_use]
    pub fn with_row_type(mut self, row_type: &RowType) -> Self {
        for field in row_type.fields() {
            self = self.column(field.name(), field.data_type().clone());
        }
        self
    }

    /// Sets the comment of the last added column.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        match self.columns.last_mut() {
            Some(column) => column.edit().comment = Some(comment.into()),
            None => self.comment_without_column = true,
        }
        self
    }

    /// Makes these columns, in this order, the primary key. They become NOT NULL.
    #[must_use]
    pub fn primary_key<I, S>(self, columns: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.set_primary_key(None, columns.into_iter().map(Into::into).collect())
    }

    /// Equivalent to [`primary_key`](Self::primary_key) with a name for the constraint.
    #[must_use]
    pub fn primary_key_named<I, S>(self, name: impl Into<String>, columns: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.set_primary_key(
            Some(name.into()),
            columns.into_iter().map(Into::into).collect(),
        )
    }

    fn set_primary_key(mut self, name: Option<String>, columns: Vec<String>) -> Self {
        self.second_primary_key |= self.primary_key.is_some();
        self.primary_key = Some((name, columns));
        self
    }

    /// Makes this an auto-increment column, which the server fills in.
    #[must_use]
    pub fn enable_auto_increment(mut self, column: impl Into<String>) -> Self {
        self.auto_increment.push(column.into());
        self
    }

    /// Adopts the columns of a document, either all with ids or all without.
    pub(super) fn adopt(mut self, columns: Vec<Column>, highest: Option<i32>) -> Self {
        self.adopted = columns.len();
        self.columns = columns;
        self.highest_given = highest;
        self
    }

    pub(super) fn make_column(
        name: Arc<str>,
        data_type: DataType,
        comment: Option<String>,
        aggregation: Option<AggFunction>,
        id: i32,
    ) -> Column {
        Column {
            inner: Arc::new(ColumnInner {
                name,
                data_type,
                comment,
                aggregation,
                id,
            }),
        }
    }

    /// Returns the schema.
    ///
    /// # Errors
    ///
    /// Returns an error with the column for the first violated rule: two columns with the same name, a type out of
    /// bounds, a primary key with unknown, repeated or no columns, an auto-increment column that is not INT or BIGINT
    /// or is part of the key, an aggregation of a key column.
    pub fn build(self) -> Result<Schema> {
        if self.comment_without_column {
            return Err(MetadataError::invalid(
                "comment",
                "a comment",
                "a column before it",
            ));
        }
        if self.second_primary_key {
            return Err(MetadataError::invalid(
                "primary key",
                "two primary keys",
                "at most one",
            ));
        }
        let mut columns = self.columns;
        for column in &columns {
            column.data_type().validate("").map_err(|error| {
                error.within(|inner| format!("column {}{inner}", quoted_text(column.name())))
            })?;
        }
        for column in columns.iter().skip(self.adopted) {
            if let Some(aggregation) = column.agg_function() {
                aggregation.validate_parameters().map_err(|error| {
                    error
                        .within(|field| format!("{field} of column {}", quoted_text(column.name())))
                })?;
            }
        }
        let highest_field_id = give_ids(&mut columns, self.adopted, self.highest_given)?;
        let primary_key = self
            .primary_key
            .map(|(name, key)| resolve_primary_key(name, key, &mut columns))
            .transpose()?;
        let auto_increment =
            resolve_auto_increment(self.auto_increment, &columns, primary_key.as_ref())?;
        let row_type = RowType::new(
            columns
                .iter()
                .map(|column| {
                    let name = Arc::clone(&column.inner.name);
                    let field = DataField::new(name, column.data_type().clone())
                        .with_field_id(column.column_id());
                    match column.comment() {
                        Some(comment) => field.with_description(comment),
                        None => field,
                    }
                })
                .collect(),
        );
        row_type.validate_names("columns")?;
        Ok(Schema {
            inner: Arc::new(Inner {
                columns,
                row_type,
                primary_key,
                auto_increment,
                highest_field_id,
            }),
        })
    }
}

fn next(last: &mut i32) -> Result<i32> {
    *last = last.checked_add(1).ok_or_else(|| {
        MetadataError::invalid(
            "field ids",
            "more ids than there are",
            "ids below 2147483647",
        )
    })?;
    Ok(*last)
}

/// Assigns ids to the nested fields, depth first. Source: `ReassignFieldId.java`.
fn assign(data_type: &DataType, last: &mut i32) -> Result<DataType> {
    let kind = match data_type.kind() {
        DataTypeKind::Array(element) => DataTypeKind::Array(Arc::new(assign(element, last)?)),
        DataTypeKind::Map { key, value } => DataTypeKind::Map {
            key: Arc::new(assign(key, last)?),
            value: Arc::new(assign(value, last)?),
        },
        DataTypeKind::Row(row) => DataTypeKind::Row(RowType::new(
            row.fields()
                .iter()
                .map(|field| {
                    let id = next(last)?;
                    let data_type = assign(field.data_type(), last)?;
                    Ok(field.clone().with_data_type(data_type).with_field_id(id))
                })
                .collect::<Result<_>>()?,
        )),
        _ => return Ok(data_type.clone()),
    };
    Ok(DataType::new(kind).with_nullable(data_type.is_nullable()))
}

/// Assigns ids to the columns that have none and checks all of them. Returns the highest one.
fn give_ids(columns: &mut [Column], adopted: usize, highest_given: Option<i32>) -> Result<i32> {
    let (old, new) = columns
        .split_at_mut_checked(adopted)
        .unwrap_or((&mut [], &mut []));
    let with_id = old.iter().filter(|column| column.column_id() != -1).count();
    if with_id == 0 {
        // A document from before ids were introduced: positions are ids, and nested fields have none.
        for (column, id) in old.iter_mut().zip(0..) {
            column.edit().id = id;
        }
    } else if let Some(column) = old.iter().find(|column| column.column_id() < 0) {
        return Err(MetadataError::invalid(
            format!("column {}", quoted_text(column.name())),
            "no id",
            "an id, as other columns have one",
        ));
    }
    let mut ids = Vec::new();
    for column in old.iter() {
        ids.push(column.column_id());
        collect_ids(column.data_type(), &mut ids);
    }
    let mut highest = ids.iter().copied().max().unwrap_or(-1);
    ids.sort_unstable();
    if let Some((id, _)) = ids.iter().zip(ids.iter().skip(1)).find(|(a, b)| a == b) {
        return Err(MetadataError::invalid(
            "field ids",
            format!("{id} twice"),
            "each id once",
        ));
    }
    if let Some(given) = highest_given {
        if given < highest {
            return Err(MetadataError::invalid(
                "highest_field_id",
                given.to_string(),
                format!("at least {highest}, the highest id"),
            ));
        }
        highest = given;
    }
    for column in new {
        let id = next(&mut highest)?;
        let data_type = assign(column.data_type(), &mut highest)?;
        let column = column.edit();
        column.id = id;
        column.data_type = data_type;
    }
    Ok(highest)
}

fn collect_ids(data_type: &DataType, ids: &mut Vec<i32>) {
    match data_type.kind() {
        DataTypeKind::Array(element) => collect_ids(element, ids),
        DataTypeKind::Map { key, value } => {
            collect_ids(key, ids);
            collect_ids(value, ids);
        }
        DataTypeKind::Row(row) => {
            for field in row.fields() {
                ids.push(field.field_id().unwrap_or(-1));
                collect_ids(field.data_type(), ids);
            }
        }
        _ => {}
    }
}

fn resolve_primary_key(
    name: Option<String>,
    key: Vec<String>,
    columns: &mut [Column],
) -> Result<PrimaryKey> {
    if key.is_empty() {
        return Err(MetadataError::invalid(
            "primary key",
            "no column",
            "at least one column",
        ));
    }
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(MetadataError::invalid(
            "primary key",
            "an empty name",
            "a name that is not blank",
        ));
    }
    let positions = columns
        .iter()
        .enumerate()
        .map(|(at, column)| (Arc::clone(&column.inner.name), at))
        .collect::<HashMap<_, _>>();
    let mut seen = HashSet::with_capacity(key.len());
    let mut indexes = Vec::with_capacity(key.len());
    for column in &key {
        let index = positions.get(column.as_str()).copied().ok_or_else(|| {
            MetadataError::invalid(
                "primary key",
                format!("column {}", quoted_text(column)),
                "a column of the schema",
            )
        })?;
        if !seen.insert(index) {
            return Err(MetadataError::invalid(
                "primary key",
                format!("column {} twice", quoted_text(column)),
                "each column once",
            ));
        }
        indexes.push(index);
        if let Some(column) = columns.get_mut(index) {
            if column.agg_function().is_some() {
                return Err(MetadataError::invalid(
                    format!("column {}", quoted_text(column.name())),
                    "an aggregation function",
                    "none, as it is part of the primary key",
                ));
            }
            if column.data_type().is_nullable() {
                let data_type = column.data_type().as_non_nullable();
                column.edit().data_type = data_type;
            }
        }
    }
    let name = name.unwrap_or_else(|| format!("PK_{}", key.join("_")));
    Ok(PrimaryKey {
        name,
        columns: key,
        indexes,
    })
}

fn resolve_auto_increment(
    names: Vec<String>,
    columns: &[Column],
    primary_key: Option<&PrimaryKey>,
) -> Result<Option<String>> {
    let refuse = |got: String, expected: &str| {
        Err(MetadataError::invalid(
            "auto-increment column",
            got,
            expected,
        ))
    };
    let mut names = names.into_iter();
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if let Some(second) = names.next() {
        return refuse(
            format!("{} and {}", quoted_text(&name), quoted_text(&second)),
            "at most one column",
        );
    }
    let Some(column) = columns.iter().find(|column| column.name() == name) else {
        return refuse(quoted_text(&name), "a column of the schema");
    };
    let Some(key) = primary_key else {
        return refuse(quoted_text(&name), "a table with a primary key");
    };
    if key.column_names().contains(&name) {
        return refuse(quoted_text(&name), "a column outside the primary key");
    }
    if !matches!(
        column.data_type().kind(),
        DataTypeKind::Int | DataTypeKind::BigInt
    ) {
        return refuse(
            format!(
                "{} of type {}",
                quoted_text(&name),
                shortened(&column.data_type().summary())
            ),
            "type INT or BIGINT",
        );
    }
    Ok(Some(name))
}
