"""The checks of the documentation find what they look for."""

import tempfile
import unittest
from pathlib import Path

import jobs
import pages
import quotes
import session
import syntax


def page_of(text):
    return pages.read(pages.DOCS / "imagined.md", text)


class Pages(unittest.TestCase):
    def test_a_link_to_nothing_is_a_fault(self):
        page = page_of("[a](nothing.md) [b](types.md#no-such-heading) [c](types.md)\n`[d](code.md)`\n")
        pages.check_links([page])
        self.assertEqual(len(page.faults), 2, page.faults)

    def test_links_in_blocks_are_not_links(self):
        page = page_of("```sh\n[a](nothing.md)\n```\n")
        pages.check_links([page])
        self.assertEqual(page.faults, [])

    def test_headings_have_the_ids_of_mdbook(self):
        page = page_of("# A `key` and [a link](x.md)\n## It's 1.5\n## It's 1.5\n")
        self.assertEqual(page.anchors(), {"a-key-and-a-link", "its-15", "its-15-1"})

    def test_a_block_without_end_is_a_fault(self):
        self.assertEqual(len(page_of("```sh\nls\n").faults), 1)


class Quotes(unittest.TestCase):
    def test_words_that_the_tool_does_not_say_are_a_fault(self):
        rows = "| `is there already` | a |\n| `it went badly wrong` | b |\n## Numbers of the servers\n| `18456` | c |\n"
        page = pages.read(quotes.PAGE, rows)
        quotes.check([page])
        self.assertEqual(len(page.faults), 1, page.faults)

    def test_a_string_over_several_lines_of_rust_is_one(self):
        self.assertEqual(quotes.flat('"a table \\\n      was dropped"'), '"a table was dropped"')


class Syntax(unittest.TestCase):
    def test_blocks_that_are_not_well_formed_are_faults(self):
        for words, good, bad in [("sh", "ls | wc", "ls |"), ("python", "f(x=1)", "f(x="), ("json", '{"a": 1}', "{a}")]:
            page = page_of(f"```{words}\n{good}\n```\n```{words}\n{bad}\n```\n")
            syntax.check([page])
            self.assertEqual(len(page.faults), 1, page.faults)


class Jobs(unittest.TestCase):
    def test_a_block_with_a_wrong_top_key_is_a_fault(self):
        page = page_of("```yaml\nsourc: {}\ntarget: {}\n```\n")
        original, jobs.problems = jobs.problems, lambda tool, text: []
        try:
            self.assertEqual(jobs.check_jobs("migrate", [page]), 1)
        finally:
            jobs.problems = original
        self.assertEqual(len(page.faults), 1)

    def test_a_job_within_a_manifest_is_found(self):
        block = pages.Block(["yaml"], ["kind: ConfigMap", "data:", "  a.yaml: |", "    job: x", "  b: c"], 1)
        self.assertEqual(list(jobs.printed(block))[1:], [(3, "job: x\n")])

    def test_yaml_of_others_is_left_alone(self):
        page = page_of("```yaml\nscrape_configs: []\n```\n")
        self.assertEqual(jobs.check_jobs("migrate", [page]), 0)


class Sessions(unittest.TestCase):
    def faults(self, text, bless=False):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "page.md")
            path.write_text(text)
            page = pages.read(path)
            session.run(page, Path(folder), bless)
            return page.faults, path.read_text()

    def test_a_page_whose_commands_say_what_it_prints_has_no_fault(self):
        text = "```sh run\nx=3\necho $x rows\n```\n```text output\n4 rows\n```\n```sh run exit=3\necho $x; (exit 3)\n```\n"
        self.assertEqual(self.faults(text)[0], [])

    def test_a_page_without_commands_has_none_to_run(self):
        self.assertEqual(self.faults("# A page\n")[0], [])

    def test_a_file_is_written_and_hidden_commands_are_run(self):
        text = "```yaml file=x.yaml\nhost: $HOME\n```\n<!--\n```sh run\ny=3\n```\n-->\n```sh run\ncat x.yaml; echo $y\n```\n"
        self.assertEqual(self.faults(text + "```text output\nhost: $HOME\n3\n```\n")[0], [])

    def test_a_command_that_fails_is_a_fault_also_in_the_middle(self):
        self.assertEqual(len(self.faults("```sh run\nfalse\ntrue\n```\n")[0]), 1)
        self.assertEqual(len(self.faults("```sh run exit=5\ntrue\n```\n")[0]), 1)

    def test_what_is_said_differently_is_a_fault(self):
        self.assertEqual(len(self.faults("```sh run\necho done\n```\n```text output\nfailed\n```\n")[0]), 1)

    def test_what_is_said_differently_can_be_rewritten(self):
        text = "```sh run\necho done\n```\n```text output\nfailed\n```\n```sh run\necho b\n```\n```text output\na\n```\n"
        faults, after = self.faults(text, bless=True)
        self.assertEqual(faults, [])
        self.assertEqual(after, text.replace("failed", "done").replace("\na\n", "\nb\n"))

    def test_numbers_and_widths_may_differ_and_dots_leave_lines_out(self):
        self.assertTrue(session.alike("a  1.5 s\n----\n", "a 700 ms\n--------\n"))
        self.assertTrue(session.alike("two words\n", "two\nwords\n"))
        self.assertTrue(session.alike("a\n...\nc\n", "a\nb\nc\nb\nc\n"))
        self.assertTrue(session.alike("...\nb\n...\n", "a\nb\nc\n"))
        self.assertFalse(session.alike("...\nb\n", "a\nb\nc\n"))
        self.assertFalse(session.alike("a\n...\nc\n", "a\nb\nc\nd\n"))
        self.assertFalse(session.alike("a\nb\n", "a\n"))
        self.assertFalse(session.alike("a\n", "a\nb\n"))
