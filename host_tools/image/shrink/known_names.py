"""Names that MicroPython itself knows on a board: modules, functions, methods, their parameters.

A name of ours that is also one of these may stand for either, so an image keeps it. The list is a
constant, not asked of an interpreter, so that an image depends on its sources alone; a test holds
it against the interpreter and the virtual boards' modules.
"""

# long: a list of words.

KNOWN_NAMES = frozenset(
    """
ADC ADDR_LEN AF_INET AF_INET6 AF_UNIX AIOESPNow ARRAY AUTO ArithmeticError AssertionError
AttributeError B1000000 B115200 B1152000 B230400 B460800 B500000 B57600 B576000 B921600 B9600
BFINT16 BFINT32 BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN BINARY BaseException
BytesIO CERT_NONE CERT_OPTIONAL CERT_REQUIRED CancelledError DeflateIO EACCES EADDRINUSE EAGAIN
EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH EINPROGRESS EINVAL EIO
EISDIR ENOBUFS ENODEV ENOENT ENOMEM ENOTCONN EOFError EOPNOTSUPP EPERM ESPNow ETIMEDOUT EXT0_WAKE
Ellipsis Event Exception FLOAT32 FLOAT64 FrameBuffer FrameBuffer1 GS2_HMSB GS4_HMSB GS8 GZIP
GeneratorExit INT INT16 INT32 INT64 INT8 IOBase IOQueue IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP
ImportError IndentationError IndexError KEY_LEN KeyError KeyboardInterrupt LITTLE_ENDIAN LONG
LONGLONG Lock LockType LookupError Loop MAC MAX_DATA_LEN MAX_ENCRYPT_PEER_NUM MAX_TOTAL_PEER_NUM
MBEDTLS_VERSION MONO_HLSB MONO_HMSB MONO_VLSB MSG_DONTROUTE MSG_DONTWAIT MSG_PEEK MVLSB MemoryError
NATIVE NVS NameError NeoPixel NotImplemented NotImplementedError OSError OrderedDict OverflowError
PIN_WAKE POLLERR POLLHUP POLLIN POLLOUT PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER
PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER PTR PWM Partition Pin PinBase RAW RGB565 RTC RingIO
RuntimeError SHORT SOCK_DGRAM SOCK_RAW SOCK_STREAM SOL_SOCKET SO_BROADCAST SO_ERROR SO_KEEPALIVE
SO_LINGER SO_REUSEADDR SSLContext Server Signal SingletonGenerator Socket StopAsyncIteration
StopIteration Stream StreamReader StreamWriter StringIO SyntaxError SystemExit TCSANOW Task
TaskQueue ThreadSafeFlag TimeoutError Timer TypeError UART UINT UINT16 UINT32 UINT64 UINT8 ULONG
ULONGLONG USHORT UnicodeError VOID ValueError VfsFat VfsLfs1 VfsLfs2 VfsPosix VfsRom ViperTypeError
WDT WLAN ZLIB ZeroDivisionError a2b_base64 abs accept aclose acos acosh acquire active add add_peer
address addressof aes after all allocate_lock allowed_mip_url_prefixes any append appendleft arg
args argv array asin asinh at atan atan2 atanh atexit atten awrite awritestr b2a_base64 baudrate
bin bind bits blit block block_bytes block_size bool bootloader bpp bssid buffer bytearray
bytearray_at byteorder bytes bytes_at calcsize call_exception_handler callable capabilities ceil
center channel chdir choice chr classmethod clear clear_bits clock close cls collect command commit
compile complex config connect const content copy copysign core cos cosh count country crc crc32
create_task cur_task current_task data datetime day decode decrypt deepsleep default
default_exception_handler degrees deinit del_peer delattr delete deleter deque dest device dict
difference difference_update digest dir disable disable_irq discard disconnect divmod drain drive
dump dumps duty duty_ns duty_u16 e ellipse enable enable_irq encode encrypt end endswith enumerate
erase_key erf erfc errno error errorcode errors eval event exc_info exec execfile executable exit
exp expm1 extend fabs factorial family feed file fileno filesystem fill fill_rect filter find flags
flash flash_erase flash_read flash_size flash_user_start flash_write float floor flush fmod format
freq frexp from_bytes fromhex fromkeys frozenset funcs gamma gather gc get get_blob get_ciphers
get_event_loop get_exception_handler get_extra_info get_i32 get_ident get_next_update get_peer
get_peers getaddrinfo getattr getcwd getenv getrandbits getter getvalue globals gmtime
gpio_deep_sleep_hold hard hasattr hash head heap_lock heap_unlock heapify heappop heappush help hex
hexlify hline hold host hostname id idf_heap_info idle ifconfig ifidx ilistdir implementation index
inet_ntop inet_pton inf init input insert install int interface intersection intersection_update
invert io ioctl ipconfig ipoll irecv irq is_readonly is_set isalpha isclose isconnected isdigit
isdisjoint isenabled isfinite isinf isinstance islower isnan isspace issubclass issubset issuperset
isupper items iter join json kbd_intr key keys label ldexp len lgamma libc_ver lightsleep line list
listdir listen lmk load load_cert_chain load_verify_locations loads locals localtime lock locked
log log10 log2 lower lstrip main makefile map mark_app_valid_cancel_rollback match max maxsize
mcu_temperature md5 mem16 mem32 mem8 mem_alloc mem_current mem_free mem_info mem_peak mem_total
memory memoryview min mkdir mkfs mktime mod_peer mode modf modify mods modules month mount msg name
namedtuple names namespace namespaces nan new_event_loop next object oct off offset on open
open_connection opt_level option options ord osdebug pack pack_into parity partition path peek
peer_count pend_throw period phase phy_mode pi pin pins pixel platform polar poll poly pop popitem
popleft port post pow print print_exception property protocol ps1 ps2 pull push put putenv
python_compiler qstr_info queue_read queue_write radians randint random randrange range
raw_temperature read read_u16 read_uv readblocks readexactly readinto readline readlines rect recv
recvfrom recvinto register release remove rename replace repr request requests reset reset_cause
reverse reversed rfind rindex rmdir rom_ioctl round rpartition rsplit rstrip run run_forever
run_until_complete rx rxbuf scan schedule scroll search sector seed seek select self send sendall
sendto sep set set_blob set_boot set_ciphers set_exception_handler set_i32 set_pmk setattr
setblocking setdefault setraw setsockopt setter settimeout sha1 sha256 sin sinh size sizeof sleep
sleep_ms sleep_us slice sockaddr socket soft_reset sort sorted split splitlines sqrt ssid
stack_size stack_use start start_new_thread start_server startswith stat state staticmethod stats
status statvfs stderr stdin stdout step stop str stream stream_awrite strip struct sub subtype sum
super symmetric_difference symmetric_difference_update sync sys system tan tanh tau tcgetattr
tcsetattr tell threshold throw ticks ticks_add ticks_cpu ticks_diff ticks_ms ticks_us time time_ns
time_pulse_us timeout timeout_ms timeout_s timer timing tls to_bytes toggle trigger trunc tuple tx
txdone type uart umount unhexlify uniform union unique_id unlink unpack unpack_from unregister
unsetenv update upper urandom value values verify_mode version version_info vline wait wait_closed
wait_for wait_for_ms wait_io_event waiting wake_on_ext0 wake_on_ext1 wake_on_gpio wake_on_touch
wake_on_ulp wake_pins wake_reason websocket width wrap_socket write writeblocks writers year zip
""".split()
)

# What has a place in the ROM of every MicroPython, as .mpy files refer to it by its number there.
# Source: py/makeqstrdata.py, `static_qstr_list`, without what is no identifier or a special name.
ROM_NAMES = frozenset(
    """
abs all any append args bool builtins bytearray bytecode bytes callable chr classmethod clear
close const copy count dict dir divmod end endswith eval exec extend find format from_bytes get
getattr globals hasattr hash id index insert int isalpha isdigit isinstance islower isspace
issubclass isupper items iter join key keys len list little locals lower lstrip main map
micropython next object open ord pop popitem pow print range read readinto readline remove replace
repr reverse rfind rindex round rsplit rstrip self send sep set setattr setdefault sort sorted
split start startswith staticmethod step stop str strip sum super throw to_bytes tuple type update
upper value values write zip
""".split()
)

# Of these: what the interpreter asks an object for by this name, or its compiler knows.
ASKED_NAMES = frozenset(
    "args close const keys micropython read readinto readline send throw value write".split()
)
