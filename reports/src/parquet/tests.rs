use super::*;

fn table() -> Vec<Column> {
    let column = |name: &str, cells| Column {
        name: name.to_owned(),
        cells,
    };
    vec![
        column("second_s", Cells::Integers(vec![0, 1, 2])),
        column(
            "kind",
            Cells::Text(vec!["read".into(), String::new(), "é".into()]),
        ),
        column("p99_ns", Cells::MaybeIntegers(vec![Some(7), None, None])),
    ]
}

/// What lies where, told from the format's specification and not from the writer.
#[test]
fn a_file_is_laid_out_as_the_format_says() {
    let bytes = file(&table());
    assert_eq!(
        (&bytes[..4], &bytes[bytes.len() - 4..]),
        (&b"PAR1"[..], &b"PAR1"[..])
    );
    let at = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let footer = at - usize::try_from(length).expect("small");
    // The first page: type 0, 24 bytes, 24 bytes; three values, plain, run lengths.
    assert_eq!(
        bytes[4..21],
        [
            0x15, 0, 0x15, 48, 0x15, 48, 0x2c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0
        ]
    );
    assert_eq!(
        bytes[21..45],
        [
            [0_u8, 0, 0, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0, 0, 0],
            [2, 0, 0, 0, 0, 0, 0, 0]
        ]
        .concat()
    );
    // The last page, right before the footer: four bytes of levels (one there, two not), and the one value.
    assert_eq!(
        bytes[footer - 16..footer],
        [4, 0, 0, 0, 2, 1, 4, 0, 7, 0, 0, 0, 0, 0, 0, 0]
    );
    // Version 1, and a schema of four elements: the root and three columns.
    assert_eq!(bytes[footer..footer + 4], [0x15, 2, 0x19, 0x4c]);
}

#[test]
fn a_table_without_rows_is_a_file() {
    let bytes = file(&[Column {
        name: "second_s".into(),
        cells: Cells::MaybeIntegers(Vec::new()),
    }]);
    assert!(bytes.len() > 12 && bytes.ends_with(MAGIC));
}
