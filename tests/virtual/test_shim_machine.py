"""`machine`, `esp32` and `network` on a running board, used as an application uses them."""

from cma_toolkit.host_tools.image import nvs as host_nvs
from cma_toolkit.sim.virtual_board.runtime.run_config import DEEP_SLEEP, WATCHDOG
from support.running_board import PROMPT, RAW, RunningBoard, with_board


async def ask(board: RunningBoard, code: str) -> str:
    return (await board.exec(code)).replace("\r\n", "\n")


def test_rtc_memory_outlives_a_deep_sleep_and_not_a_power_cut() -> None:
    async def test(board: RunningBoard) -> None:
        set_it = "import machine\nmachine.RTC().memory(bytes(range(256))*8)\n"
        assert await ask(board, set_it) == ""
        board.type(b"\x01")
        await board.until(RAW)
        board.type(b"import machine\nmachine.deepsleep(1500)\x04")
        request = await board.request("deepsleep")
        assert (request.ms, request.wake) == (1500, [])
        board.boot(DEEP_SLEEP, 4)
        await board.until(PROMPT)
        read = "import machine\nprint(machine.RTC().memory()==bytes(range(256))*8,"
        read += "machine.reset_cause(),machine.wake_reason())"
        assert await ask(board, read) == "True 4 4\n"
        board.boot()
        await board.until(PROMPT)
        assert await ask(board, "import machine;print(machine.RTC().memory())") == "b''\n"

    with_board(test)


def test_rtc_memory_of_more_than_2048_bytes_is_refused() -> None:
    async def test(board: RunningBoard) -> None:
        text = await ask(board, "import machine;machine.RTC().memory(bytes(2049))")
        assert "ValueError: buffer too long" in text

    with_board(test)


def test_the_clock_starts_in_2000_and_can_be_set() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import time,machine\nprint(time.gmtime()[:4])\n"
        code += "machine.RTC().datetime((2031,5,9,0,1,2,3,0))\n"
        code += "print(time.gmtime()[:5],machine.RTC().datetime()[3])\n"
        code += "print(time.mktime((2000,3,1,0,0,0,0,0))//86400)"
        assert await ask(board, code) == "(2000, 1, 1, 0)\n(2031, 5, 9, 1, 2) 4\n60\n"

    with_board(test)


def test_resets_and_the_loader_are_asked_for() -> None:
    async def test(board: RunningBoard) -> None:
        for call, kind in (("reset", "reset"), ("bootloader", "bootloader")):
            board.type(f"import machine;machine.{call}()\r".encode())
            await board.request(kind)
            board.boot()
            await board.until(PROMPT)

    with_board(test)


def test_a_hungry_watchdog_bites_and_a_fed_one_does_not() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import machine,time\nw=machine.WDT(timeout=300)\n"
        code += "for i in range(30):\n  time.sleep_ms(20)\n  w.feed()\nprint('fed')\n"
        assert await ask(board, code) == "fed\n"
        await board.request("watchdog")
        board.boot(WATCHDOG)
        await board.until(PROMPT)
        assert await ask(board, "import machine;print(machine.reset_cause())") == "3\n"

    with_board(test)


def test_the_watchdog_stands_still_in_light_sleep_and_goes_on_after_it() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import machine\nw=machine.WDT(timeout=200)\n"
        code += "machine.lightsleep(700)\nprint('woken',machine.wake_reason())"
        assert await ask(board, code) == "woken 4\n"
        await board.request("watchdog")

    with_board(test)


def test_a_native_usb_shows_its_host_in_a_register() -> None:
    async def test(board: RunningBoard) -> None:
        assert board.mode
        code = "import machine,time\na=machine.mem32[0x60043024]\ntime.sleep_ms(3)\n"
        code += "print(machine.mem32[0x60043024]==a,machine.mem32[0x60008000])"
        for is_listening in (False, True, False):
            board.mode.set_usb(is_listening)
            assert await ask(board, code) == f"{not is_listening} 0\n"

    with_board(test, "xiao-esp32c3")


def test_a_timer_feeds_the_watchdog_at_the_prompt() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import machine\nw=machine.WDT(timeout=200)\n"
        code += "t=machine.Timer(0)\nt.init(period=50,callback=lambda t:w.feed())\n"
        assert await ask(board, code) == ""
        assert await ask(board, "import time;time.sleep_ms(600);print(1)") == "1\n"
        assert not [each for each in board.requests if each.kind == "watchdog"]

    with_board(test)


def test_a_timer_calls_back_while_the_program_waits() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import machine,time\nn=[]\nt=machine.Timer(1)\n"
        code += "t.init(period=10,callback=n.append)\ntime.sleep_ms(200)\nt.deinit()\n"
        code += "print(len(n)>5)\nm=len(n)\ntime.sleep_ms(50)\nprint(len(n)==m)"
        assert await ask(board, code) == "True\nTrue\n"

    with_board(test)


def test_the_battery_is_read_through_its_divider() -> None:
    async def test(board: RunningBoard) -> None:
        assert board.mode
        pins = board.board.pins
        code = f"import machine;print(machine.ADC(machine.Pin({pins.battery_adc}),"
        code += "atten=machine.ADC.ATTN_11DB).read_uv())"
        for battery_mv in (4_000, 3_300):
            board.mode.set_battery(battery_mv)
            expected_uv = battery_mv * 1_000_000 // pins.battery_divider_permille
            assert await ask(board, code) == f"{expected_uv}\n"

    with_board(test, "xiao-esp32c3")


def test_a_pin_from_outside_is_read_and_interrupts() -> None:
    async def test(board: RunningBoard) -> None:
        assert board.mode
        code = "import machine,time\np=machine.Pin(4,machine.Pin.IN,machine.Pin.PULL_UP)\n"
        code += "seen=[]\np.irq(lambda q:seen.append(q.value()),machine.Pin.IRQ_FALLING)\n"
        code += "print('ready',p.value())\nwhile not seen: time.sleep_ms(1000)\nprint(seen)"
        board.type(b"\x01")
        await board.until(RAW)
        board.type(code.encode() + b"\x04")
        await board.until(b"ready 1\r\n")
        board.mode.set_pin(4, False)
        assert await board.until(b"\x04>") == b"[0]\r\n\x04\x04>"

    with_board(test)


def test_the_led_is_seen_from_outside() -> None:
    async def test(board: RunningBoard) -> None:
        pins = board.board.pins
        assert (pins.led_kind, pins.led is None) == ("ws2812", False)
        code = f"import machine,neopixel\nn=neopixel.NeoPixel(machine.Pin({pins.led}),1)\n"
        assert await ask(board, code + "n[0]=(9,0,0)\nn.write()") == ""
        assert (await board.request("led")).fields["on"] is True
        assert await ask(board, code + "n[0]=(0,0,0)\nn.write()") == ""
        assert (await board.request("led")).fields["on"] is False

    with_board(test, "esp32-s3-devkitc-1")


def test_nvs_is_on_the_real_pages() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import esp32\nn=esp32.NVS('cma')\nn.set_blob('name',b'x'*300)\n"
        code += "n.set_i32('revision',7)\nn.commit()\nb=bytearray(400)\n"
        code += "print(n.get_blob('name',b),n.get_i32('revision'))\nn.erase_key('revision')\n"
        code += "try:\n  n.get_i32('revision')\nexcept OSError as e: print(e)\n"
        assert await ask(board, code) == "300 7\n(-4354, 'ESP_ERR_NVS_NOT_FOUND')\n"
        row = board.board.partition("nvs")
        data = board.image.read_bytes()[row.offset : row.end]
        assert host_nvs.from_bytes(data).values("cma") == {"name": b"x" * 300}

    with_board(test)


def test_partitions_are_those_of_the_table() -> None:
    async def test(board: RunningBoard) -> None:
        code = "from esp32 import Partition\n"
        code += "p=Partition.find(Partition.TYPE_DATA,label='state')[0]\nprint(p.info())\n"
        code += "print(p.ioctl(4,0),p.ioctl(5,0),Partition(Partition.RUNNING).info()[4])\n"
        code += "p.writeblocks(1,b'\\xa5'*4096)\nb=bytearray(4)\np.readblocks(1,b,8)\nprint(b)\n"
        code += "p.ioctl(6,1)\np.writeblocks(1,b'\\xf0',0)\n"
        code += "try: p.writeblocks(1,b'\\x0f',0)\nexcept OSError as e: print(e.errno)\n"
        row = board.board.partition("state")
        info = (row.type, row.subtype, row.offset, row.size_bytes, "state", False)
        lines = (await ask(board, code)).splitlines()
        assert lines[:3] == [
            str(info),
            f"{row.size_bytes // 4096} 4096 factory",
            "bytearray(b'\\xa5\\xa5\\xa5\\xa5')",
        ]
        assert "only an erase can set" in lines[3]
        assert lines[4] == "5"

    with_board(test)


def test_only_a_blank_root_is_formatted() -> None:
    async def test(board: RunningBoard) -> None:
        board.kill()
        row = board.board.partition("vfs")
        cells = bytearray(board.image.read_bytes())
        cells[row.offset : row.end] = b"\x55" * row.size_bytes
        board.image.write_bytes(cells)
        board.boot()
        await board.until(b"The filesystem appears to be corrupted.")
        board.type(b"\x03")
        await board.until(PROMPT)
        assert board.image.read_bytes()[row.offset : row.end] == b"\x55" * row.size_bytes

    with_board(test)


def test_wifi_takes_the_right_password_only() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import network\nw=network.WLAN(network.STA_IF)\n"
        code += "try: w.connect('cma-lab','x')\nexcept OSError as e: print(e.args[1])\n"
        code += "w.active(True)\nfor s,k in (('cma-lab','x'),('none','x'),"
        code += "('cma-lab','cma-lab-password')):\n"
        code += "  w.connect(s,k)\n  print(w.status(),w.isconnected(),w.ifconfig()[0])\n"
        code += "print(w.config('mac').hex() if hasattr(b'','hex') else w.config('mac'))\n"
        lines = (await ask(board, code)).splitlines()
        assert lines[:4] == [
            "Wifi Not Started",
            "202 False 0.0.0.0",
            "201 False 0.0.0.0",
            "1010 True 127.0.0.1",
        ]

    with_board(test)


def test_a_power_cut_strikes_in_the_chosen_flash_operation() -> None:
    async def test(board: RunningBoard) -> None:
        assert board.mode
        save = "with open('f','w') as f: f.write('%s'*900)\n"
        assert await ask(board, save % "old") == ""
        board.mode.arm_power_cut(3, torn_bytes=5)
        board.type(b"\x01")
        await board.until(RAW)
        board.type((save % "new" + "print('survived')").encode() + b"\x04")
        await board.request("power-cut")
        assert b"survived" not in board.output
        board.boot()
        await board.until(PROMPT)
        text = await ask(board, "t=open('f').read()\nprint(t in ('old'*900,'new'*900))")
        assert text == "True\n"

    with_board(test)


def test_sockets_speak_in_tuples() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import socket\na=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        code += "a.bind(('127.0.0.1',47611))\n"
        code += "b=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        code += "b.sendto(b'hello',('127.0.0.1',47611))\nd,f=a.recvfrom(99)\nprint(d,f[0])\n"
        assert await ask(board, code) == "b'hello' 127.0.0.1\n"

    with_board(test)


def test_a_uart_whose_ends_are_joined_hears_itself() -> None:
    async def test(board: RunningBoard) -> None:
        code = "import machine\nu=machine.UART(1,9600,tx=4,rx=4)\nu.write(b'one\\ntwo')\n"
        code += "print(u.any(),u.readline(),u.read(),u.read())"
        assert await ask(board, code) == "7 b'one\\n' b'two' None\n"

    with_board(test)
