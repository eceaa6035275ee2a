"""Judges a history on Apache Spark: its lines are shuffled by item, each part of the items goes through `dateline check`.

    pip install pyspark
    spark-submit --master 'local[4]' check_history.py history.jsonl verdicts.jsonl --parts 16
    dateline merge verdicts.jsonl

Every check of Dateline is about one item at a time. So all events of an item must reach one process, in the order of the
file; which items share a process does not matter. A line keeps the number that it has in the file: the evidence names
the same lines as that of one process. Scans, transactions and fetches of streams concern many items: `dateline check`
refuses to split such a history. `dateline` must be on the PATH of every worker, or be named with --dateline.

Single records are slow in PySpark. So a worker reads a piece of the file by itself, and what is shuffled are blocks of
many lines. Where workers do not see the file in a folder, let `opened` bring it, with fsspec or pyarrow.fs.
"""

import argparse
import gzip
import os
import re
import subprocess
import sys
import threading
from itertools import accumulate, pairwise

from pyspark.sql import SparkSession

ITEM = re.compile(rb'"k":(\d+)')

# How much is read at a time, and then cut into a block for each part.
CHUNK_BYTES = 4 << 20


def opened(history):
    return gzip.open(history) if history.endswith(".gz") else open(history, "rb")


def pieces(history, parts):
    """The header, and where in the file the pieces begin and end; a gzipped file is one piece."""
    with opened(history) as file:
        header = file.readline()
    begin, end = len(header), os.path.getsize(history)
    if history.endswith(".gz"):
        return header, [(begin, float("inf"))]
    bounds = [begin + (end - begin) * index // parts for index in range(parts + 1)]
    return header, list(pairwise(bounds))


def chunks(history, piece):
    """The lines that begin in a piece of the file, many at a time."""
    begin, end = piece
    with opened(history) as file:
        # The line that the piece before it began, or only its end.
        file.seek(begin - 1)
        file.readline()
        while (at := file.tell()) < end and (chunk := file.read(min(CHUNK_BYTES, end - at))):
            yield chunk + (b"" if chunk.endswith(b"\n") else file.readline())


def cut(history, parts):
    """What a worker does with a piece: yields ((part, number of its first line), numbered lines of this part).

    An event without an item goes to the first part, where it is refused in words.
    """

    def one_piece(piece_and_number):
        piece, number = piece_and_number
        for chunk in chunks(history, piece):
            blocks = [[] for _ in range(parts)]
            lines = chunk.splitlines(keepends=True)
            for at, line in enumerate(lines, number):
                item = ITEM.search(line)
                blocks[int(item[1]) % parts if item else 0].append(b"%d\t%s" % (at, line))
            for part, block in enumerate(blocks):
                yield (part, number), b"".join(block)
            number += len(lines)

    return one_piece


def judge(dateline, header, parts):
    """What a worker does with its part: pipes it through `dateline check`, and yields the one line that comes back."""

    def one_part(index, blocks):
        command = [dateline, "check", "--share", f"{index + 1}/{parts}", "--numbered", "--json", "-"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # What it complains about is read meanwhile: a full pipe would stop it.
        complaints = []
        reader = threading.Thread(target=lambda: complaints.append(process.stderr.read().decode(errors="replace")))
        reader.start()
        try:
            process.stdin.write(b"1\t" + header)
            for _, block in blocks:
                process.stdin.write(block)
            process.stdin.close()
        except BrokenPipeError:
            pass  # It has ended, and says why.
        verdict = process.stdout.read().decode().strip()
        code = process.wait()
        reader.join()
        if code not in (0, 1, 2) or not verdict:
            raise RuntimeError(f"part {index + 1}/{parts}: dateline check ended with {code}: {''.join(complaints)}")
        yield verdict

    return one_part


def main():
    parser = argparse.ArgumentParser(description="Judge a history on Spark, one part of its items per task.")
    parser.add_argument("history", help="lines of JSON, where driver and workers can read them; may be gzipped")
    parser.add_argument("verdicts", help="the file to write: a line per part, for `dateline merge`")
    parser.add_argument("--parts", type=int, default=16, help="how many parts (16)")
    parser.add_argument("--dateline", default="dateline", help="the program, if it is not on the PATH")
    arguments = parser.parse_args()
    history, parts = os.path.abspath(arguments.history), arguments.parts  # A worker has a folder of its own.

    spark = SparkSession.builder.appName("dateline-check").getOrCreate().sparkContext
    header, read = pieces(history, parts)
    # How many lines the pieces have, to number them; nobody asks that of the last.
    counts = spark.parallelize(read[:-1], len(read)).map(lambda piece: sum(chunk.count(b"\n") for chunk in chunks(history, piece)))
    numbers = accumulate(counts.collect(), initial=2)  # The header is line 1.
    blocks = spark.parallelize(list(zip(read, numbers)), len(read)).flatMap(cut(history, parts))
    shuffled = blocks.repartitionAndSortWithinPartitions(parts, partitionFunc=lambda key: key[0])
    verdicts = shuffled.mapPartitionsWithIndex(judge(arguments.dateline, header, parts)).collect()
    with open(arguments.verdicts, "w", encoding="utf-8") as out:
        out.writelines(verdict + "\n" for verdict in verdicts)
    print(f"{len(verdicts)} parts judged; the whole: dateline merge {arguments.verdicts}")
    spark.stop()


if __name__ == "__main__":
    sys.exit(main())
