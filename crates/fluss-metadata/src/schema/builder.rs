//! Builds a schema and gives its columns their ids.

use std::collections::HashSet;
use std::sync::Arc;

use super::{AggFunction, Column, Inner, PrimaryKey, Schema};
use crate::data_type::{DataField, DataType, DataTypeKind, RowType};
use crate::error::{MetadataError, Result};

/// Collects columns and keys; everything is checked by [`build`](Self::build).
#[derive(Debug, Clone, Default)]
pub struct SchemaBuilder {
    columns: Vec<Column>,
    ids_given: bool,
    highest_given: Option<i32>,
    comment_without_column: bool,
    primary_key: Option<(Option<String>, Vec<String>)>,
    second_primary_key: bool,
    auto_increment: Vec<String>,
}

impl SchemaBuilder {
    /// Adds a column.
    #[must_use]
    pub fn column(self, name: impl Into<Arc<str>>, data_type: DataType) -> Self {
        self.push(name.into(), data_type, None)
    }

    /// Adds a column whose values of one key are merged by `aggregation`, for tables of the aggregation engine.
    #[must_use]
    pub fn column_with_agg(
        self,
        name: impl Into<Arc<str>>,
        data_type: DataType,
        aggregation: AggFunction,
    ) -> Self {
        self.push(name.into(), data_type, Some(aggregation))
    }

    fn push(
        mut self,
        name: Arc<str>,
        data_type: DataType,
        aggregation: Option<AggFunction>,
    ) -> Self {
        self.columns.push(Column {
            name,
            data_type,
            comment: None,
            aggregation,
            id: -1,
        });
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

    /// Comments the column added last.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        match self.columns.last_mut() {
            Some(column) => column.comment = Some(comment.into()),
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

    /// As [`primary_key`](Self::primary_key), with a name for the constraint.
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

    /// Lets the server fill this column with numbers that count up.
    #[must_use]
    pub fn enable_auto_increment(mut self, column: impl Into<String>) -> Self {
        self.auto_increment.push(column.into());
        self
    }

    /// Adds columns that already have ids, as a document does.
    pub(super) fn columns_with_ids(mut self, columns: Vec<Column>, highest: Option<i32>) -> Self {
        self.ids_given = columns.iter().any(|column| column.id >= 0);
        self.columns = columns;
        self.highest_given = highest;
        self
    }

    pub(super) fn make_column(
        name: &str,
        data_type: DataType,
        comment: Option<String>,
        aggregation: Option<AggFunction>,
        id: i32,
    ) -> Column {
        Column {
            name: name.into(),
            data_type,
            comment,
            aggregation,
            id,
        }
    }

    /// The schema.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, with the column: two columns of one name, a type out of its bounds, a primary key of unknown,
    /// repeated or no columns, an auto-increment column that is not INT or BIGINT or part of the key, an aggregation of a key column.
    pub fn build(self) -> Result<Schema> {
        let Self {
            mut columns,
            ids_given,
            highest_given,
            ..
        } = self;
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
        let mut names = HashSet::with_capacity(columns.len());
        for column in &columns {
            let field = format!("column {:?}", column.name());
            if column.name().is_empty() {
                return Err(MetadataError::invalid(field, "an empty name", "a name"));
            }
            if !names.insert(column.name().to_owned()) {
                return Err(MetadataError::invalid(
                    field,
                    "two columns",
                    "columns of different names",
                ));
            }
            column.data_type.validate(&field)?;
            if let Some(aggregation) = &column.aggregation {
                aggregation.validate(&field)?;
            }
        }
        let highest_field_id = if ids_given {
            check_ids(&columns, highest_given)?
        } else {
            let mut last = -1;
            for column in &mut columns {
                column.id = next(&mut last);
                column.data_type = assign(&column.data_type, &mut last);
            }
            last.max(highest_given.unwrap_or(-1))
        };
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
                    let field = DataField::new(Arc::clone(&column.name), column.data_type.clone())
                        .with_field_id(column.id);
                    match &column.comment {
                        Some(comment) => field.with_description(comment.as_str()),
                        None => field,
                    }
                })
                .collect(),
        );
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

fn next(last: &mut i32) -> i32 {
    *last = last.saturating_add(1);
    *last
}

/// Gives ids to the nested fields, depth first. Source: `ReassignFieldId.java`.
fn assign(data_type: &DataType, last: &mut i32) -> DataType {
    let kind = match data_type.kind() {
        DataTypeKind::Array(element) => DataTypeKind::Array(Arc::new(assign(element, last))),
        DataTypeKind::Map { key, value } => DataTypeKind::Map {
            key: Arc::new(assign(key, last)),
            value: Arc::new(assign(value, last)),
        },
        DataTypeKind::Row(row) => DataTypeKind::Row(RowType::new(
            row.fields()
                .iter()
                .map(|field| {
                    let id = next(last);
                    let inner = DataField::new(field.name(), assign(field.data_type(), last))
                        .with_field_id(id);
                    match field.description() {
                        Some(description) => inner.with_description(description),
                        None => inner,
                    }
                })
                .collect(),
        )),
        _ => return data_type.clone(),
    };
    DataType::new(kind).with_nullable(data_type.is_nullable())
}

fn check_ids(columns: &[Column], highest_given: Option<i32>) -> Result<i32> {
    let mut ids = Vec::new();
    for column in columns {
        if column.id < 0 {
            return Err(MetadataError::invalid(
                format!("column {:?}", column.name()),
                "no id",
                "an id, as other columns have one",
            ));
        }
        ids.push(column.id);
        collect_ids(&column.data_type, &mut ids);
    }
    let highest = ids.iter().copied().max().unwrap_or(-1);
    let mut seen = HashSet::with_capacity(ids.len());
    if let Some(id) = ids.into_iter().find(|id| !seen.insert(*id)) {
        return Err(MetadataError::invalid(
            "field ids",
            format!("{id} twice"),
            "each id once",
        ));
    }
    match highest_given {
        Some(given) if given < highest => Err(MetadataError::invalid(
            "highest_field_id",
            given.to_string(),
            format!("at least {highest}, the highest id"),
        )),
        given => Ok(given.unwrap_or(highest)),
    }
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
    let mut indexes = Vec::with_capacity(key.len());
    for column in &key {
        let index = columns
            .iter()
            .position(|c| c.name() == column)
            .ok_or_else(|| {
                MetadataError::invalid(
                    "primary key",
                    format!("column {column:?}"),
                    "a column of the schema",
                )
            })?;
        if indexes.contains(&index) {
            return Err(MetadataError::invalid(
                "primary key",
                format!("column {column:?} twice"),
                "each column once",
            ));
        }
        indexes.push(index);
        if let Some(column) = columns.get_mut(index) {
            if column.aggregation.is_some() {
                return Err(MetadataError::invalid(
                    format!("column {:?}", column.name()),
                    "an aggregation function",
                    "none, as it is part of the primary key",
                ));
            }
            column.data_type = column.data_type.as_non_nullable();
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
        return refuse(format!("{name:?} and {second:?}"), "at most one column");
    }
    let Some(column) = columns.iter().find(|column| column.name() == name) else {
        return refuse(format!("{name:?}"), "a column of the schema");
    };
    let Some(key) = primary_key else {
        return refuse(format!("{name:?}"), "a table with a primary key");
    };
    if key.column_names().contains(&name) {
        return refuse(format!("{name:?}"), "a column outside the primary key");
    }
    if !matches!(
        column.data_type().kind(),
        DataTypeKind::Int | DataTypeKind::BigInt
    ) {
        return refuse(
            format!("{name:?} of type {}", column.data_type()),
            "type INT or BIGINT",
        );
    }
    Ok(Some(name))
}
