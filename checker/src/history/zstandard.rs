//! Reads Zstandard files: all frames one after the other, and what each says of its own checksum.
//!
//! `zstd` and its parallel forms write several frames, some of them to be skipped; whoever stops after the first has half a history. Absent:
//! dictionaries.

use std::error::Error as _;
use std::io::{self, BufRead, ErrorKind, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Whether a file begins like one: with a frame, or with one to be skipped.
pub(super) fn is_zstandard(beginning: &[u8]) -> bool {
    let magic = beginning.first_chunk().copied().map(u32::from_le_bytes);
    magic.is_some_and(|magic| magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50)
}

/// The contents of all frames.
pub(super) struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether a frame has begun that has not been read to its end.
    is_open: bool,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            is_open: false,
        }
    }

    /// Begins the next frame that holds something; false at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink());
                    if skipped? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(false)
    }

    /// Reads on in this frame; 0 at its end.
    fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() < buffer.len() && !self.decoder.is_finished() {
            let missing = buffer.len() - self.decoder.can_collect();
            let wanted = BlockDecodingStrategy::UptoBytes(missing);
            let decoded = self.decoder.decode_blocks(&mut self.source, wanted);
            decoded.map_err(|error| damaged(&error))?;
        }
        let count = self.decoder.read(buffer)?;
        let said = self.decoder.get_checksum_from_data();
        if count == 0 && said.is_some() && said != self.decoder.get_calculated_checksum() {
            let what = "the Zstandard data are damaged: their checksum is another";
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(count)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.is_open {
                let count = self.read_frame(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            self.is_open = self.begin()?;
            if !self.is_open {
                return Ok(0);
            }
        }
    }
}

/// What is wrong with a frame: it ends too early, or it is none.
fn damaged(error: &FrameDecoderError) -> io::Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(inner) = inner.downcast_ref::<io::Error>()
            && inner.kind() == ErrorKind::UnexpectedEof
        {
            return ErrorKind::UnexpectedEof.into();
        }
        cause = inner.source();
    }
    let what = format!("the Zstandard data are damaged: {error}");
    io::Error::new(ErrorKind::InvalidData, what)
}
