"""A libmodbus device for tests, by ctypes: libmodbus-server.py tcp PORT | rtu DEVICE.

Unit 1 (on TCP libmodbus answers to every unit). Registers hold their own address, coils are on at even addresses.
"""
import ctypes
import sys

SIZE = 1000


class Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1."""

    _fields_ = [(name, ctypes.c_int) for name in (
        "nb_bits", "start_bits", "nb_input_bits", "start_input_bits",
        "nb_input_registers", "start_input_registers", "nb_registers", "start_registers")] + [
        ("tab_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_bits", ctypes.POINTER(ctypes.c_uint8)),
        ("tab_input_registers", ctypes.POINTER(ctypes.c_uint16)),
        ("tab_registers", ctypes.POINTER(ctypes.c_uint16))]


lib = ctypes.CDLL("libmodbus.so.5")
for name in ("modbus_new_tcp", "modbus_new_rtu"):
    getattr(lib, name).restype = ctypes.c_void_p
lib.modbus_mapping_new.restype = ctypes.POINTER(Mapping)

mapping = lib.modbus_mapping_new(SIZE, SIZE, SIZE, SIZE)
for i in range(SIZE):
    mapping.contents.tab_registers[i] = mapping.contents.tab_input_registers[i] = i
    mapping.contents.tab_bits[i] = mapping.contents.tab_input_bits[i] = int(i % 2 == 0)

mode, where = sys.argv[1:]
query = (ctypes.c_uint8 * 260)()


def serve(context):
    while True:
        length = lib.modbus_receive(context, query)
        if length < 0:
            return
        if length > 0:
            lib.modbus_reply(context, query, length, mapping)


if mode == "tcp":
    context = ctypes.c_void_p(lib.modbus_new_tcp(b"127.0.0.1", int(where)))
    listener = ctypes.c_int(lib.modbus_tcp_listen(context, 1))
    while True:
        lib.modbus_tcp_accept(context, ctypes.byref(listener))
        serve(context)
        lib.modbus_close(context)
else:
    context = ctypes.c_void_p(lib.modbus_new_rtu(where.encode(), 19200, ctypes.c_char(b"N"), 8, 1))
    lib.modbus_set_slave(context, 1)
    lib.modbus_connect(context)
    while True:
        serve(context)
