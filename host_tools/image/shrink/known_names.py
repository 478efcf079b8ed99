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
BFINT16 BFINT32 BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN BINARY
BINARY_BYTES_MAX BLOB_BYTES_MAX BaseException BinaryOutput Blocks BoardBlocks BytesIO CERT_NONE
CERT_OPTIONAL CERT_REQUIRED CancelledError DeflateIO EACCES EADDRINUSE EAGAIN EALREADY EBADF
ECONNABORTED ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH EINPROGRESS EINVAL EIO EISDIR ENOBUFS
ENODEV ENOENT ENOMEM ENOTCONN ENTRIES ENTRY_BYTES EOFError EOPNOTSUPP EPERM EPOCH_S ESPNow
ETIMEDOUT EXT0_WAKE Ellipsis Event Exception FLOAT32 FLOAT64 Fault File Flash FrameBuffer
FrameBuffer1 GS2_HMSB GS4_HMSB GS8 GZIP GeneratorExit HEAD_BYTES INT INT16 INT32 INT64 INT8
IOBase IOQueue IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP ImportError IndentationError IndexError
KEY_CHARACTERS_MAX KEY_LEN KeyError KeyboardInterrupt LITTLE_ENDIAN LONG LONGLONG Lock LockType
LookupError Loop MAC MAX_DATA_LEN MAX_ENCRYPT_PEER_NUM MAX_TOTAL_PEER_NUM MBEDTLS_VERSION
MEMORY_BYTES MONO_HLSB MONO_HMSB MONO_VLSB MSG_DONTROUTE MSG_DONTWAIT MSG_PEEK MVLSB
MemoryError Module NATIVE NVS NameError Neighbour NeoPixel NotImplemented NotImplementedError
NvsError NvsPages OSError OrderedDict OverflowError PAGE_BYTES PIN_WAKE POLLERR POLLHUP POLLIN
POLLOUT PROMPT PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER PROTOCOL_TLS_CLIENT
PROTOCOL_TLS_SERVER PTR PWM Page Partition Pin PinBase Poller PowerCut RAW RGB565 RTC Region
Registers Response RingIO RuntimeError SECTOR_BYTES SHORT SIZE_BYTES SOCK_DGRAM SOCK_RAW
SOCK_STREAM SOL_SOCKET SO_BROADCAST SO_ERROR SO_KEEPALIVE SO_LINGER SO_REUSEADDR SSLContext
Server Signal SingletonGenerator Socket StopAsyncIteration StopIteration Stream StreamReader
StreamWriter StringIO SyntaxError SystemExit TCSANOW TEXT_BYTES_MAX Task TaskQueue TextOutput
ThreadSafeFlag TimeoutError Timer TypeError UART UINT UINT16 UINT32 UINT64 UINT8 ULONG
ULONGLONG USHORT UnicodeError VALUES VOID ValueError VfsFat VfsLfs1 VfsLfs2 VfsPosix VfsRom
ViperTypeError WDT WLAN ZLIB ZeroDivisionError a2b_base64 abs accept aclose acos acosh acquire
active add add_peer add_timer address addressof aes after all allocate_lock
allowed_mip_url_prefixes any append appendleft arg args argument arguments argv arm around
array asin asinh at atan atan2 atanh atexit atten attenuation awrite awritestr b2a_base64
baudrate begin bin bind bits blit block block_bytes block_size blocks bool bootloader bpp bssid
buffer bytearray bytearray_at byteorder bytes bytes_at calcsize call call_exception_handler
callable callback capabilities ceil cells center channel chdir choice chr chunk classmethod
clear clear_bits clock close cls code collect colour command commit compile complain_for_ever
complex config connect const content copy copysign core cos cosh count count_used country crc
crc32 create_task cur_task current_task cut data datetime day days_before deaf decode decrypt
deepsleep default default_exception_handler degrees deinit del_peer delattr delete deleter
deque dest device dict difference difference_update digest dir disable disable_irq discard
disconnect distance_mm divmod done_bytes drain drive dump dumps duration_ms duration_s duty
duty_ns duty_u16 e ellipse enable enable_irq encode encrypt end endswith enter entry enumerate
erase erase_key erase_sector erf erfc errno error errorcode errors eval event events exc_info
exec execfile executable exit exp expire expm1 extend fabs factorial family fault feed field
fields file fileno filesystem fill fill_rect filter find flags flash flash_erase flash_read
flash_size flash_user_start flash_write float floor flush fmod format found freq frexp
from_bytes fromhex fromkeys frozenset funcs function gamma gather gc get get_blob get_ciphers
get_event_loop get_exception_handler get_extra_info get_i32 get_ident get_next_update get_peer
get_peers getaddrinfo getattr getcwd getenv getrandbits getter getvalue globals gmtime
gpio_deep_sleep_hold group handler hard hasattr hash head heap_lock heap_unlock heapify heappop
heappush hear hear_now help hex hexlify hline hold host hostname id idf_heap_info idle ifconfig
ifidx ilistdir implementation index inet_ntop inet_pton inf info init input insert install int
interface intersection intersection_update invert io ioctl ipconfig ipoll irecv irq is_active
is_entry_blank is_needed is_new is_on is_readonly is_set isalpha isclose isconnected isdigit
isdisjoint isenabled isfinite isinf isinstance islower isnan isspace issubclass issubset
issuperset isupper item items iter join json kbd_intr key keys kind label ldexp leave left len
level lgamma libc_ver lightsleep line list listdir listen lmk load load_cert_chain
load_verify_locations loads locals localtime lock locked log log10 log2 loss_permille lower
lstrip m mac main make_os make_sys make_vfs makefile map mark mark_app_valid_cancel_rollback
match max maxsize mcu_temperature md5 mem16 mem32 mem8 mem_alloc mem_current mem_free mem_info
mem_peak mem_total memory memoryview message min mkdir mkfs mktime mod_peer mode modf modify
mods module modules month mount msg n name namedtuple names namespace namespaces nan neighbour
neighbours new new_event_loop next next_timer_ms now_ns now_s number object oct off offset old
on on_count on_cut open open_connection open_namespace operation opt_level option options ord
osdebug other pack pack_into page parity partition patch path peek peer peer_count pend_throw
period phase phy_mode pi pin pins pixel place platform polar poll poller poly pop popitem
popleft port post pow print print_exception program property protocol ps1 ps2 public_names pull
push put putenv python_compiler qstr_info queue_read queue_write radians randint random
randrange range rate raw_temperature read read_u16 read_uv readblocks readers readexactly
readinto readline readlines rect recv recvfrom recvinto region register release remove
remove_timer rename replace repr request requests reset reset_cause reverse reversed rfind
rindex rmdir rom_ioctl round row rpartition rsplit rstrip run run_forever run_until_complete rx
rxbuf sample_ns say scan schedule scroll search seconds sector seed seek segment select self
send sendall sendto sep sequence set set_active set_blob set_boot set_channel set_ciphers
set_deaf set_exception_handler set_i32 set_memory set_now_ns set_pmk set_states setattr
setblocking setdefault setraw setsockopt setter settimeout sha1 sha256 sin sinh size size_bytes
sizeof sleep sleep_ms sleep_us slice slot sockaddr socket soft_reset sort sorted source span
split splitlines sqrt ssid stack_size stack_use start start_new_thread start_server startswith
stat state staticmethod stats status statvfs stderr stdin stdout step stop str stream
stream_awrite strikes strip struct sub subtype sum super switch_off symmetric_difference
symmetric_difference_update sync sys system table take tan tanh tau tcgetattr tcsetattr
tear_erase tear_program tell text thing threshold throw ticks ticks_add ticks_cpu ticks_diff
ticks_ms ticks_us time time_ns time_pulse_us timeout timeout_ms timeout_s timer timing tls
to_bytes toggle transmit trigger trunc tuple turn tx txdone type uart umount unhexlify uniform
union unique_id unlink unpack unpack_from unregister unsetenv unwatch update upper urandom
value values verify_mode version version_info vline wait wait_closed wait_for wait_for_go
wait_for_ms wait_io_event waiting wake wake_on_ext0 wake_on_ext1 wake_on_gpio wake_on_touch
wake_on_ulp wake_pins wake_reason wanted watch websocket what width wire word wrap_socket write
writeblocks writers year zip
""".split()
)
