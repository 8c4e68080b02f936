"""Run the blocks of pages of docs/, top to bottom.

	docs.py PREFIX HAVE PAGE[@HEADING]…

One page after the other on the same machine, each up to its HEADING.

A comment in front of a fenced block says how it is run:

	<!-- as alice -->	who runs it; otherwise root
	<!-- exit 255 -->	its exit status; otherwise 0
	<!-- soon -->		a change that certlogind takes by itself is in
				front of it: again, until it has that status
	<!-- type 1234 -->	what is typed when it asks, in order; `secret`
				is typed when the terminal does not show it
	<!-- at console -->	in a session of logind's with a seat
	<!-- stays -->		it goes on: the text behind it is what it has
				shown so far, and a later text with `ends`
				is what it shows until its end
	<!-- ends 137 -->	before a text: that one ends with this status
	<!-- file PATH -->	the block is the new content of this file
	<!-- needs WHAT -->	run only where WHAT is among the words of HAVE

Several stand in one comment, with commas between.  A block `sh` is run by
bash -eu in the home folder; a block `text` behind it is all that it prints,
but … stands for anything in a line, and on a line of its own for any lines;
every other block must be a file.  PREFIX is taken out of what is printed.
DOCS_CONSOLE is the cgroup of a session with a seat, or the word logind where
that runs.
"""
import os
import pty
import pwd
import re
import select
import signal
import sys
import termios
import time

LIMIT = 90
SOON = 10
CONSOLE = os.environ.get("DOCS_CONSOLE", "")


class Wrong(Exception):
    pass


def blocks(page, heading):
    """(line, language, words of the comment, text) of each fenced block."""
    note, fence, body = "", None, []
    for number, line in enumerate(page.split("\n"), 1):
        if fence is not None:
            if line == "```":
                yield start, fence, words(note), "\n".join(body)
                note, fence, body = "", None, []
            else:
                body.append(line)
        elif heading and line == heading:
            return
        elif line.startswith("```"):
            fence, start = line[3:].strip(), number
        elif m := re.fullmatch(r"<!-- (.*) -->", line):
            note = m[1]
        elif line:
            note = ""
    if fence is not None:
        raise Wrong(f"line {start}: this block does not end")
    if heading:
        raise Wrong(f"there is no {heading}")


def words(note):
    known = {"as": "root", "exit": "0", "type": [], "at": "", "stays": None,
             "ends": None, "file": None, "needs": None, "soon": None}
    for part in filter(None, (p.strip() for p in note.split(","))):
        key, _, value = part.partition(" ")
        if key not in known and key != "secret":
            raise Wrong(f"unknown word '{key}' in <!-- {note} -->")
        if key in ("type", "secret"):
            known["type"].append((key, value))
        else:
            known[key] = value
    return known


def pattern(text):
    """The regular expression of a text block."""
    out = ""
    for line in text.split("\n"):
        if line.strip() == "…":
            out += r"(?:[^\n]*\n)*?"
        else:
            out += "[^\n]*".join(map(re.escape, line.split("…"))) + "\n"
    return re.compile(out)


class Run:
    """A block that was started on a terminal of its own."""

    def __init__(self, who, script, console):
        self.seen, self.status, self.marked = "", None, 0
        person = pwd.getpwnam(who)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            become(person, script, console)
        self.end = time.monotonic() + LIMIT

    def read(self, answers):
        """A little more of what it prints; answers what it asks."""
        if not select.select([self.fd], [], [], 0.05)[0]:
            return not self.ended()     # a daemon may keep the terminal
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace").replace("\r", "")
        last = self.seen[self.marked:].rsplit("\n", 1)[-1]
        if answers and re.search(r"[:?\]] ?$", last):
            self.type(*answers.pop(0))
            self.marked = len(self.seen)
        return True

    def type(self, how, answer):
        while how == "secret" and termios.tcgetattr(self.fd)[3] & termios.ECHO:
            if time.monotonic() > self.end:
                raise Wrong(f"what is typed would be shown: {self.seen}")
            time.sleep(0.01)
        os.write(self.fd, (answer + "\n").encode())

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def finish(self, answers=()):
        answers = list(answers)
        while self.read(answers) or not self.ended():
            if time.monotonic() > self.end:
                self.kill()
                raise Wrong(f"it goes on after {LIMIT} s: {self.seen}")
        os.close(self.fd)
        if answers:
            raise Wrong(f"it did not ask for '{answers[0][1]}': {self.seen}")

    def wait_for(self, wanted, answers):
        answers = list(answers)
        while not wanted.fullmatch(shown(self.seen)):
            if not self.read(answers) or time.monotonic() > self.end:
                raise Wrong(f"it shows: {self.seen}")
        self.seen, self.marked = "", 0
        self.end = time.monotonic() + LIMIT

    def kill(self):
        if self.status is None:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -1


def become(person, script, console):
    """In the child: the person's shell, as after a login."""
    try:
        if console and CONSOLE == "logind":
            # su makes a session of root's caller, here with a seat
            os.execve("/bin/su", ["su", person.pw_name, "--session-command",
                      "set -eu -o pipefail; cd; " + script],
                      dict(os.environ, XDG_SEAT="seat0", TERM="dumb"))
        if console:
            with open(CONSOLE + "/cgroup.procs", "w") as f:
                f.write(str(os.getpid()))
        os.initgroups(person.pw_name, person.pw_gid)
        os.setgid(person.pw_gid)
        os.setuid(person.pw_uid)
        os.chdir(person.pw_dir)
        os.umask(0o022)
        os.execve("/bin/bash", ["bash", "-eu", "-o", "pipefail", "-c", script],
                  {"HOME": person.pw_dir, "USER": person.pw_name,
                   "LOGNAME": person.pw_name, "SHELL": "/bin/bash",
                   "TERM": "dumb", "LANG": "C.UTF-8",
                   "PATH": os.environ["PATH"]})
    except BaseException as e:
        print(e)
    os._exit(126)


def shown(text):
    text = text.replace(PREFIX, "") if PREFIX else text
    lines = (line.rstrip() for line in text.split("\n"))
    return "\n".join(lines).rstrip("\n") + "\n" if text.strip() else ""


def compare(text, output):
    if not pattern(text).fullmatch(shown(output)):
        raise Wrong(f"shown on the page:\n{text}\n-- printed:\n"
                    f"{shown(output)}")


def write(path, text):
    with open(path, "w") as f:
        f.write(text + "\n")


class Page:
    def __init__(self, have):
        self.have, self.last, self.staying, self.skipped = have, None, None, 0

    def script(self, how, text):
        if how["at"] not in ("", "console"):
            raise Wrong(f"no place '{how['at']}'")
        end = time.monotonic() + SOON
        run = Run(how["as"], text, how["at"])
        if how["stays"] is not None:
            self.staying = run
            self.last = (run, how)
            return
        run.finish(how["type"])
        while (how["soon"] is not None and run.status != int(how["exit"]) and
               time.monotonic() < end):
            run = Run(how["as"], text, how["at"])
            run.finish(how["type"])
        print(shown(run.seen), end="", flush=True)
        self.last = (run, how)
        if run.status != int(how["exit"]):
            raise Wrong(f"exit {run.status}, not {how['exit']}: {run.seen}")

    def text(self, how, text):
        if how["ends"] is not None:
            run, self.staying = self.staying, None
            run.finish()
            print(shown(run.seen), end="", flush=True)
            compare(text, run.seen)
            if run.status != int(how["ends"]):
                raise Wrong(f"exit {run.status}, not {how['ends']}")
        elif self.last is None:
            raise Wrong("nothing ran in front of this text")
        elif self.last[0] is self.staying:
            self.staying.wait_for(pattern(text), self.last[1]["type"])
        else:
            compare(text, self.last[0].seen)
        self.last = None

    def block(self, language, how, text):
        if how["needs"] is not None and how["needs"] not in self.have:
            self.skipped += 1
            self.last = None
        elif how["file"] is not None:
            write(how["file"], text)
        elif language == "sh":
            self.script(how, text)
        elif language == "text":
            self.text(how, text)
        else:
            raise Wrong(f"a block '{language}' that is no file")


def follow(page, path, heading):
    """All blocks of one page; how many."""
    done = 0
    with open(path) as f:
        text = f.read()
    for line, language, how, body in blocks(text, heading):
        print(f"{path.rsplit('/', 1)[-1]}:{line}: {body.splitlines()[0]}",
              flush=True)
        try:
            page.block(language, how, body)
        except (Wrong, KeyError, IndexError, OSError) as e:
            raise Wrong(f"{line}: {e}") from None
        done += 1
    if page.staying:
        raise Wrong("a block stays, and no text says how it ends")
    return done


def main(have, paths):
    page = Page(have.split())
    try:
        for path in paths:
            path, _, heading = path.partition("@")
            done = follow(page, path, heading)
            print(f"{path}: {done} blocks, {page.skipped} of them not run here")
            page.skipped = 0
    except Wrong as e:
        sys.exit(f"{path}:{e}")
    finally:
        if page.staying:
            page.staying.kill()


PREFIX = sys.argv[1]
main(sys.argv[2], sys.argv[3:])
