"""Judges a history on Apache Spark: its lines are shuffled by item, each partition goes through `dateline check`.

    pip install pyspark
    spark-submit --master 'local[4]' check_history.py history.jsonl verdicts.jsonl --parts 16
    dateline merge verdicts.jsonl

Every check of Dateline is about one item at a time. So all events of an item must reach one process, in the order of the
file; which items share a process does not matter. A line keeps the number that it has in the file: the evidence names
the same lines as that of one process. Scans, transactions and fetches of streams concern many items: `dateline check`
refuses to split such a history. `dateline` must be on the PATH of every worker, or be named with --dateline.
"""

import argparse
import re
import subprocess
import sys
import threading

from pyspark.sql import SparkSession

KEY = re.compile(r'[{,]"k":(\d+)')


def numbered(line_and_index):
    """((number of the line, item), line). An event without an item goes to the first part, where it is refused in words."""
    line, index = line_and_index
    key = KEY.search(line)
    return (index + 1, int(key.group(1)) if key else 0), line


def judge(dateline, header, parts):
    """What a worker does with its part: pipes it through `dateline check`, and yields the one line that comes back."""

    def one_part(index, events):
        command = [dateline, "check", "--share", f"{index + 1}/{parts}", "--numbered", "--json", "-"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # What it complains about is read meanwhile: a full pipe would stop it.
        complaints = []
        reader = threading.Thread(target=lambda: complaints.append(process.stderr.read()))
        reader.start()
        try:
            process.stdin.write(f"1\t{header}\n")
            for (number, _), line in events:
                process.stdin.write(f"{number}\t{line}\n")
            process.stdin.close()
        except BrokenPipeError:
            pass  # It has ended, and says why.
        verdict = process.stdout.read().strip()
        code = process.wait()
        reader.join()
        if code not in (0, 1, 2) or not verdict:
            raise RuntimeError(f"part {index + 1}/{parts}: dateline check ended with {code}: {''.join(complaints)}")
        yield verdict

    return one_part


def main():
    parser = argparse.ArgumentParser(description="Judge a history on Spark, one part of its items per task.")
    parser.add_argument("history", help="lines of JSON, where every worker can read them; may be gzipped")
    parser.add_argument("verdicts", help="the file to write: a line per part, for `dateline merge`")
    parser.add_argument("--parts", type=int, default=16, help="how many parts (16)")
    parser.add_argument("--dateline", default="dateline", help="the program, if it is not on the PATH")
    arguments = parser.parse_args()

    spark = SparkSession.builder.appName("dateline-check").getOrCreate()
    lines = spark.sparkContext.textFile(arguments.history, arguments.parts)
    header = lines.first()
    events = lines.zipWithIndex().filter(lambda line_and_index: line_and_index[1] > 0)
    shuffled = events.map(numbered).repartitionAndSortWithinPartitions(
        arguments.parts, partitionFunc=lambda number_and_key: number_and_key[1] % arguments.parts
    )
    verdicts = shuffled.mapPartitionsWithIndex(judge(arguments.dateline, header, arguments.parts)).collect()
    with open(arguments.verdicts, "w", encoding="utf-8") as out:
        out.writelines(verdict + "\n" for verdict in verdicts)
    print(f"{len(verdicts)} parts judged; the whole: dateline merge {arguments.verdicts}")
    spark.stop()


if __name__ == "__main__":
    sys.exit(main())
