//! A table of exchanges in Apache Parquet, a row each.
//!
//! Owns how rows become pages: rows gather until a group of them is large enough, so that a
//! bounded part of a capture is held. Must not know: which columns there are.

mod columns;

use crate::capture::Exchange;
use crate::capture::interchange::export::safe::Safe;
use crate::capture::interchange::export::{ExportReport, Sink};
use bytes::Bytes;
use columns::{COLUMNS, Cell, Column, Kind};
use parquet::basic::Type as PhysicalType;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a group.
const MOST_ROWS: usize = 16_384;
/// Bytes of the bodies of a group.
const MOST_BYTES: usize = 64 * 1024 * 1024;

type File<'a> = SerializedFileWriter<&'a mut (dyn Write + Send)>;

pub(super) struct Table<'a> {
    file: File<'a>,
    /// By column.
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<'a> Table<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> io::Result<Self> {
        let level = ZstdLevel::try_new(3).map_err(io_error)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
        let schema = schema().map_err(io_error)?;
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()));
        let waiting = COLUMNS.iter().map(|_| Vec::new()).collect();
        Ok(Self { file: file.map_err(io_error)?, waiting, bytes: 0 })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (column, cells) in COLUMNS.iter().zip(&mut self.waiting) {
            if let Some(mut writer) = group.next_column()? {
                write(&mut writer, column.kind, std::mem::take(cells))?;
                writer.close()?;
            }
        }
        group.close()?;
        self.bytes = 0;
        Ok(())
    }
}

impl Sink for Table<'_> {
    fn put(&mut self, exchange: &Exchange, report: &mut ExportReport) -> io::Result<()> {
        let mut safe = Safe::default();
        for (column, waiting) in COLUMNS.iter().zip(&mut self.waiting) {
            let cell = (column.cell)(exchange, &mut safe);
            self.bytes += cell.size();
            waiting.push(cell);
        }
        safe.tell(report);
        report.written += 1;
        let rows = self.waiting.first().map_or(0, Vec::len);
        if rows >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.write_group().map_err(io_error)?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>, _: &mut ExportReport) -> io::Result<()> {
        if self.waiting.first().is_some_and(|rows| !rows.is_empty()) {
            self.write_group().map_err(io_error)?;
        }
        self.file.close().map(|_| ()).map_err(io_error)
    }
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => io::Error::other(source),
        error => io::Error::other(error),
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let fields: Result<Vec<_>, _> = COLUMNS.iter().map(field).collect();
    Type::group_type_builder("exchange").with_fields(fields?).build().map(Arc::new)
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let element = match column.kind {
        Kind::Numbers => {
            let element = Type::primitive_type_builder("element", PhysicalType::INT64);
            element.with_repetition(Repetition::REQUIRED).build()?
        }
        kind => return primitive(column.name, kind),
    };
    // The list of the format's LogicalTypes.md: a group of one repeated group of one element.
    let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
    let list = list.with_fields(vec![Arc::new(element)]).build()?;
    let outer = Type::group_type_builder(column.name).with_repetition(Repetition::OPTIONAL);
    let outer = outer.with_converted_type(ConvertedType::LIST);
    let outer = outer.with_logical_type(Some(LogicalType::List));
    outer.with_fields(vec![Arc::new(list)]).build().map(Arc::new)
}

fn primitive(name: &str, kind: Kind) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match kind {
        Kind::Number | Kind::Numbers => (PhysicalType::INT64, None),
        Kind::Instant => {
            let logical = LogicalType::timestamp(true, TimeUnit::MICROS);
            (PhysicalType::INT64, Some(logical))
        }
        Kind::Truth => (PhysicalType::BOOLEAN, None),
        Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bytes => (PhysicalType::BYTE_ARRAY, None),
    };
    let builder = Type::primitive_type_builder(name, physical);
    let builder = builder.with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
    builder.build().map(Arc::new)
}

fn write(
    writer: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: Vec<Cell>,
) -> Result<(), ParquetError> {
    let defined: Vec<i16> = cells.iter().map(|cell| i16::from(!cell.is_null())).collect();
    let cells = cells.into_iter();
    match kind {
        Kind::Number | Kind::Instant => {
            let values: Vec<i64> = cells.filter_map(Cell::number).collect();
            writer.typed::<Int64Type>().write_batch(&values, Some(&defined), None)?;
        }
        Kind::Truth => {
            let values: Vec<bool> = cells.filter_map(Cell::truth).collect();
            writer.typed::<BoolType>().write_batch(&values, Some(&defined), None)?;
        }
        Kind::Text | Kind::Bytes => {
            let bytes = cells.filter_map(Cell::bytes);
            let values: Vec<ByteArray> = bytes.map(|bytes: Bytes| bytes.into()).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&defined), None)?;
        }
        Kind::Numbers => {
            let (values, defined, repeated) = levels(cells.map(Cell::numbers));
            let writer = writer.typed::<Int64Type>();
            writer.write_batch(&values, Some(&defined), Some(&repeated))?;
        }
    }
    Ok(())
}

/// Values with their levels: defined 0 for no list, 1 for an empty one, 2 for an element;
/// repeated 0 for the first element of a row, 1 for each further one.
fn levels(lists: impl Iterator<Item = Option<Vec<i64>>>) -> (Vec<i64>, Vec<i16>, Vec<i16>) {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        let list = match list {
            Some(list) if !list.is_empty() => list,
            empty => {
                defined.push(i16::from(empty.is_some()));
                repeated.push(0);
                continue;
            }
        };
        defined.extend(list.iter().map(|_| 2));
        repeated.extend((0..list.len()).map(|place| i16::from(place > 0)));
        values.extend(list);
    }
    (values, defined, repeated)
}
