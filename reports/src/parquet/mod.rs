//! Writes a table as Apache Parquet, so that pyarrow, Spark, DuckDB and the like read it with its types.
//!
//! Flat columns of integers and text, some of whose cells may be empty; one row group, one plain uncompressed page per column: a load's
//! series has some thousand rows. The crate `parquet` would bring 14 others for what is some two hundred lines here. Absent: reading,
//! compression, nesting. The end-to-end tests read such a file with pyarrow and compare every cell.
//!
//! Source: the [format's specification](https://github.com/apache/parquet-format) with `parquet.thrift`, whose field numbers are used below.

mod thrift;

use thrift::{Kind, Writer, varint};

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

const MAGIC: &[u8; 4] = b"PAR1";

// `parquet.thrift`: enums Type, FieldRepetitionType, ConvertedType, Encoding, CompressionCodec, PageType.
const INT64: i32 = 2;
const BYTE_ARRAY: i32 = 6;
const REQUIRED: i32 = 0;
const OPTIONAL: i32 = 1;
const UTF8: i32 = 0;
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const UNCOMPRESSED: i32 = 0;
const DATA_PAGE: i32 = 0;

/// Where a column lies in the file.
struct Chunk<'a> {
    column: &'a Column,
    begin: u64,
    length: u64,
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
    let mut out = MAGIC.to_vec();
    let mut chunks = Vec::new();
    for column in columns {
        let begin = out.len() as u64;
        let page = page(&column.cells);
        out.extend(page_header(rows, page.len()));
        out.extend(page);
        let length = out.len() as u64 - begin;
        chunks.push(Chunk {
            column,
            begin,
            length,
        });
    }
    let footer = footer(&chunks, rows as u64);
    let length = u32::try_from(footer.len()).expect("a footer has some hundred bytes a column");
    out.extend(footer);
    out.extend(length.to_le_bytes());
    out.extend(MAGIC);
    out
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Integers(cells) => cells.len(),
            Self::MaybeIntegers(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    fn kind(&self) -> i32 {
        match self {
            Self::Integers(_) | Self::MaybeIntegers(_) => INT64,
            Self::Text(_) => BYTE_ARRAY,
        }
    }

    fn repetition(&self) -> i32 {
        match self {
            Self::MaybeIntegers(_) => OPTIONAL,
            Self::Integers(_) | Self::Text(_) => REQUIRED,
        }
    }
}

/// Which cells are there, if that is a question, then those that are.
fn page(cells: &Cells) -> Vec<u8> {
    let mut out = Vec::new();
    match cells {
        Cells::Integers(cells) => cells.iter().for_each(|cell| out.extend(cell.to_le_bytes())),
        Cells::MaybeIntegers(cells) => {
            let levels = levels(cells);
            let length = u32::try_from(levels.len()).expect("a few bytes a row");
            out.extend(length.to_le_bytes());
            out.extend(levels);
            cells
                .iter()
                .flatten()
                .for_each(|cell| out.extend(cell.to_le_bytes()));
        }
        Cells::Text(cells) => {
            for cell in cells {
                let length = u32::try_from(cell.len()).expect("a cell is no book");
                out.extend(length.to_le_bytes());
                out.extend(cell.as_bytes());
            }
        }
    }
    out
}

/// Runs of cells that are there and that are not: twice the length, then one or nought.
fn levels(cells: &[Option<u64>]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in cells.chunk_by(|one, other| one.is_some() == other.is_some()) {
        varint(&mut out, 2 * run.len() as u64);
        out.push(u8::from(run[0].is_some()));
    }
    out
}

fn page_header(rows: usize, bytes: usize) -> Vec<u8> {
    let small = |number| i32::try_from(number).expect("a page is far below 2 GiB");
    let mut out = Writer::default();
    out.fields(|page| {
        page.i32(1, DATA_PAGE);
        page.i32(2, small(bytes));
        page.i32(3, small(bytes));
        page.fields(5, |data| {
            data.i32(1, small(rows));
            data.i32(2, PLAIN);
            data.i32(3, RLE);
            data.i32(4, RLE);
        });
    });
    out.into_bytes()
}

fn footer(chunks: &[Chunk<'_>], rows: u64) -> Vec<u8> {
    let mut out = Writer::default();
    let root = std::iter::once(None);
    let elements: Vec<_> = root
        .chain(chunks.iter().map(|chunk| Some(chunk.column)))
        .collect();
    out.fields(|file| {
        file.i32(1, 1);
        file.list(2, Kind::Struct, &elements, |out, element| match element {
            Some(column) => schema_of(out, column),
            None => out.fields(|root| {
                root.binary(4, b"schema");
                root.i32(5, i32::try_from(chunks.len()).expect("columns are few"));
            }),
        });
        file.i64(3, rows);
        file.list(4, Kind::Struct, &[()], |out, ()| {
            out.fields(|group| {
                group.list(1, Kind::Struct, chunks, |out, chunk| {
                    place_of(out, chunk, rows)
                });
                group.i64(2, chunks.iter().map(|chunk| chunk.length).sum());
                group.i64(3, rows);
            });
        });
        file.binary(6, b"dateline");
    });
    out.into_bytes()
}

/// A `SchemaElement`.
fn schema_of(out: &mut Writer, column: &Column) {
    out.fields(|element| {
        element.i32(1, column.cells.kind());
        element.i32(3, column.cells.repetition());
        element.binary(4, column.name.as_bytes());
        match column.cells {
            Cells::Text(_) => element.i32(6, UTF8),
            Cells::Integers(_) | Cells::MaybeIntegers(_) => {}
        }
    });
}

/// A `ColumnChunk` with its `ColumnMetaData`.
fn place_of(out: &mut Writer, chunk: &Chunk<'_>, rows: u64) {
    out.fields(|place| {
        place.i64(2, chunk.begin);
        place.fields(3, |data| {
            data.i32(1, chunk.column.cells.kind());
            data.list(2, Kind::I32, &[PLAIN, RLE], |out, one| {
                out.integer((*one).into())
            });
            data.list(3, Kind::Binary, &[&chunk.column.name], |out, name| {
                out.binary(name.as_bytes());
            });
            data.i32(4, UNCOMPRESSED);
            data.i64(5, rows);
            data.i64(6, chunk.length);
            data.i64(7, chunk.length);
            data.i64(9, chunk.begin);
        });
    });
}

#[cfg(test)]
mod tests;
