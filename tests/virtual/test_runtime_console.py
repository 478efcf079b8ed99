"""The console of a running board: prompts, soft resets, Ctrl-C, as on silicon."""

from support.running_board import PROMPT, RAW, RunningBoard, with_board

SOFT_REBOOT = b"MPY: soft reboot\r\n"
# What an interrupt left open keeps its blocks until it is collected.
CHECK_FILES = """
import gc, os
gc.collect()
with open("g", "w") as f: f.write("whole")
assert open("g").read() == "whole"
if "f" in os.listdir():
  text = open("f").read()
  assert text == text[:len(text) // 300] * 300
"""
BUSY_MAIN = (
    "import asyncio\nasync def f():\n  while 1: await asyncio.sleep_ms(1)\nasyncio.run(f())\n"
)


async def save(board: RunningBoard, name: str, text: str) -> None:
    assert await board.exec(f"f=open({name!r},'w')\nf.write({text!r})\nf.close()") == ""


def test_a_prompt_names_the_board_and_ends_lines_with_two_bytes() -> None:
    async def test(board: RunningBoard) -> None:
        board.type(b"\x04")
        banner = await board.until(PROMPT)
        assert b"; Generic ESP32 module with ESP32\r\nType" in banner
        assert await board.exec("print('a\\nb')") == "a\r\nb\r\n"
        assert await board.exec("import sys;print(sys.platform)") == "esp32\r\n"

    with_board(test)


FAKE_PROMPT = 'Type "help()" for more information.\n>>> '


def test_a_prompt_is_told_once_it_has_been_printed() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "main.py", f"print({FAKE_PROMPT!r})")
        for _ in range(2):
            board.output.clear()
            board.boot()
            board.requests.clear()
            await board.request("prompt")
            printed = board.printed_at["prompt"]
            assert b"\r\nMicroPython " in printed
            assert printed.count(PROMPT) == 2 and printed.endswith(PROMPT)

    with_board(test)


def test_a_raw_prompt_is_told_once_it_has_been_printed() -> None:
    async def test(board: RunningBoard) -> None:
        await board.request("prompt")
        board.type(b"\x01")
        await board.until(RAW)
        board.type(b"\x04")
        await board.request("prompt")
        assert board.printed_at["prompt"].endswith(SOFT_REBOOT + RAW)

    with_board(test)


def test_a_program_that_ends_before_its_prompt_tells_none() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "main.py", "raise SystemExit")
        board.requests.clear()
        board.boot()
        for _ in range(3):
            await board.until(SOFT_REBOOT)
            await board.request("boot")
        assert "prompt" not in [each.kind for each in board.requests]

    with_board(test)


def test_binary_output_is_not_touched() -> None:
    async def test(board: RunningBoard) -> None:
        board.type(b"\x01")
        await board.until(RAW)
        board.type(b"import sys;n=sys.stdout.buffer.write(bytes(range(256))*20)\x04")
        await board.until(b"OK")
        assert await board.until(bytes(range(256)) * 20) == bytes(range(256)) * 20

    with_board(test)


def test_a_soft_reset_at_the_prompt_runs_both_scripts() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "boot.py", "print('boot')")
        await save(board, "main.py", "import machine;print('main', machine.reset_cause())")
        board.type(b"\x04")
        text = await board.until(PROMPT)
        assert SOFT_REBOOT + b"boot\r\nmain 5\r\nMicroPython" in text

    with_board(test)


def test_a_raw_repl_survives_a_soft_reset_which_skips_main() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "boot.py", "print('boot')")
        await save(board, "main.py", "print('main')")
        board.type(b"\x01")
        await board.until(RAW)
        board.type(b"\x04")
        assert (await board.until(RAW)).endswith(SOFT_REBOOT + b"boot\r\n" + RAW)
        board.type(b"print(6*7)\x04")
        assert await board.until(b"\x04>") == b"OK42\r\n\x04\x04>"

    with_board(test)


def test_what_is_typed_during_a_soft_reset_is_not_lost() -> None:
    async def test(board: RunningBoard) -> None:
        board.type(b"\x01")
        await board.until(RAW)
        board.type(b"\x04print(1)\x04")
        await board.until(RAW)
        assert await board.until(b"\x04>") == b"OK1\r\n\x04\x04>"

    with_board(test)


def test_main_does_not_run_when_boot_fails() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "boot.py", "1/0")
        await save(board, "main.py", "print('main')")
        board.type(b"\x04")
        text = await board.until(PROMPT)
        assert b'File "boot.py", line 1, in <module>\r\nZeroDivisionError' in text
        assert b"main\r\n" not in text
        assert b"vb" not in text

    with_board(test)


def test_system_exit_is_a_soft_reset() -> None:
    async def test(board: RunningBoard) -> None:
        await save(
            board, "main.py", "import machine\nif machine.reset_cause() == 1: raise SystemExit"
        )
        board.boot()
        text = await board.until(PROMPT)
        assert text.startswith(SOFT_REBOOT)
        board.type(b"raise SystemExit\r")
        assert SOFT_REBOOT in await board.until(PROMPT)

    with_board(test)


def test_ctrl_c_interrupts_main_and_leads_to_the_prompt() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "main.py", "print('go')\n" + BUSY_MAIN)
        board.boot()
        await board.until(b"go\r\n")
        board.type(b"\x03")
        assert b"KeyboardInterrupt" in await board.until(PROMPT)

    with_board(test)


def test_ctrl_c_typed_before_the_board_is_up_still_stops_main() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "main.py", BUSY_MAIN)
        for _ in range(20):
            board.boot()
            board.type(b"\r\x03\r\x01")
            await board.until(RAW)
            board.output.clear()

    with_board(test)


def test_bursts_of_ctrl_c_neither_kill_nor_reset_a_board() -> None:
    async def test(board: RunningBoard) -> None:
        await save(board, "main.py", BUSY_MAIN)
        board.boot()
        await board.request("boot")
        for _ in range(50):
            board.type(b"\x03\x03\x03")
        board.type(b"\r\nprint('alive')\r")
        text = await board.until(b"\r\nalive\r\n")
        assert SOFT_REBOOT not in text
        assert not [each for each in board.requests if each.kind not in ("boot", "prompt")]

    with_board(test)


def test_ctrl_c_is_data_when_a_program_wants_it() -> None:
    async def test(board: RunningBoard) -> None:
        board.type(b"\x01")
        await board.until(RAW)
        code = "import sys,micropython\nmicropython.kbd_intr(-1)\nprint('ready')\n"
        code += "print(sys.stdin.buffer.read(5))\nmicropython.kbd_intr(3)\n"
        code += "open('x','w').close()\nprint('on')\n"
        code += "while 1: pass\n"
        board.type(code.encode() + b"\x04")
        await board.until(b"ready\r\n")
        board.type(b"\x03a\x03\x04b")
        assert await board.until(b"\r\n") == b"b'\\x03a\\x03\\x04b'\r\n"
        await board.until(b"on\r\n")
        board.type(b"\x03")
        assert b"KeyboardInterrupt" in await board.until(b"\x04>")

    with_board(test)


def test_ctrl_c_in_the_middle_of_flash_writes_leaves_the_filesystem_whole() -> None:
    async def test(board: RunningBoard) -> None:
        code = (
            "i=0\nprint('go')\nwhile 1:\n  i+=1\n  with open('f','w') as f: f.write(str(i)*300)\n"
        )
        for _ in range(25):
            board.type(b"\x01")
            await board.until(RAW)
            board.type(code.encode() + b"\x04")
            await board.until(b"go\r\n")
            board.type(b"\x03")
            assert b"KeyboardInterrupt" in await board.until(b"\x04>")
            board.type(b"\x02")
            await board.until(PROMPT)
            assert await board.exec(CHECK_FILES) == ""

    with_board(test)


def test_a_stopped_reader_stops_the_board_and_loses_nothing() -> None:
    async def test(board: RunningBoard) -> None:
        assert board.mode
        board.type(b"\x01")
        await board.until(RAW)
        board.mode.pause_output()
        board.type(b"for i in range(40000): print(i)\x04")
        board.mode.resume_output()
        text = await board.until(b"\x04\x04>")
        assert text == b"OK" + b"".join(b"%d\r\n" % i for i in range(40000)) + b"\x04\x04>"

    with_board(test)
