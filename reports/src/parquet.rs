//! Writes a table as Apache Parquet, so that pyarrow, Spark, DuckDB and the like read it with its types.
//!
//! One row group, uncompressed: a load's series has some thousand rows. Absent: reading, compression, nesting. The end-to-end tests
//! read such a file with pyarrow and compare every cell.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

/// The cells of a column, one per row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// 64-bit integers.
    Integers(Vec<u64>),
    /// Integers, some of them not there.
    MaybeIntegers(Vec<Option<u64>>),
    /// UTF-8 text.
    Text(Vec<String>),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// What is in it.
    pub cells: Cells,
}

/// The file of a table.
///
/// # Panics
/// When the columns are not equally long.
#[must_use]
pub fn file(columns: &[Column]) -> Vec<u8> {
    let rows = columns.first().map_or(0, |column| column.cells.len());
    assert!(
        columns.iter().all(|column| column.cells.len() == rows),
        "a table's columns are equally long"
    );
    written(columns).expect("a flat table of integers and text in memory can be written")
}

fn written(columns: &[Column]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(schema_of).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_created_by("dateline".to_owned())
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        if let Some(mut place) = group.next_column()? {
            column.cells.write(&mut place)?;
            place.close()?;
        }
    }
    group.close()?;
    writer.into_inner()
}

fn schema_of(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical, repetition) = match column.cells {
        Cells::Integers(_) => (Physical::INT64, None, Repetition::REQUIRED),
        Cells::MaybeIntegers(_) => (Physical::INT64, None, Repetition::OPTIONAL),
        Cells::Text(_) => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::REQUIRED,
        ),
    };
    let field = Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()?;
    Ok(Arc::new(field))
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Integers(cells) => cells.len(),
            Self::MaybeIntegers(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    fn write(&self, place: &mut SerializedColumnWriter<'_>) -> Result<usize, ParquetError> {
        match self {
            Self::Integers(cells) => {
                let cells: Vec<i64> = cells.iter().map(|cell| cell.cast_signed()).collect();
                place.typed::<Int64Type>().write_batch(&cells, None, None)
            }
            Self::MaybeIntegers(cells) => {
                let levels: Vec<i16> = cells.iter().map(|cell| cell.is_some().into()).collect();
                let there: Vec<i64> = cells.iter().flatten().map(|c| c.cast_signed()).collect();
                place
                    .typed::<Int64Type>()
                    .write_batch(&there, Some(&levels), None)
            }
            Self::Text(cells) => {
                let cells: Vec<ByteArray> = cells.iter().map(|cell| cell.as_str().into()).collect();
                place
                    .typed::<ByteArrayType>()
                    .write_batch(&cells, None, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::*;

    fn column(name: &str, cells: Cells) -> Column {
        Column {
            name: name.to_owned(),
            cells,
        }
    }

    fn rows(columns: &[Column]) -> Vec<String> {
        let reader = SerializedFileReader::new(bytes::Bytes::from(file(columns)))
            .expect("the file can be read");
        reader
            .get_row_iter(None)
            .expect("rows")
            .map(|row| row.expect("a row").to_string())
            .collect()
    }

    #[test]
    fn what_was_written_is_read_with_its_types_and_gaps() {
        let table = [
            column("second_s", Cells::Integers(vec![0, 1])),
            column("kind", Cells::Text(vec!["read".into(), "é".into()])),
            column("p99_ns", Cells::MaybeIntegers(vec![Some(7), None])),
        ];
        assert_eq!(
            rows(&table),
            [
                r#"{second_s: 0, kind: "read", p99_ns: 7}"#,
                r#"{second_s: 1, kind: "é", p99_ns: null}"#
            ]
        );
    }

    #[test]
    fn a_table_without_rows_is_a_file() {
        assert!(rows(&[column("second_s", Cells::MaybeIntegers(Vec::new()))]).is_empty());
    }
}
