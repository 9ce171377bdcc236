"""A pymodbus device for tests: pymodbus-server.py tcp PORT | rtu DEVICE.

Registers hold their own address, coils are on at even addresses.
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

words = list(range(1000))
bits = [address % 2 == 0 for address in words]
unit = ModbusSlaveContext(
    di=ModbusSequentialDataBlock(0, bits),
    co=ModbusSequentialDataBlock(0, list(bits)),
    hr=ModbusSequentialDataBlock(0, list(words)),
    ir=ModbusSequentialDataBlock(0, list(words)),
    zero_mode=True,
)
context = ModbusServerContext(slaves={1: unit}, single=False)
identity = ModbusDeviceIdentification()
identity.VendorName = "pymodbus"
identity.ProductCode = "PM"
identity.MajorMinorRevision = "3"

mode, where = sys.argv[1:]
print("starting", flush=True)
if mode == "tcp":
    StartTcpServer(context=context, identity=identity, address=("127.0.0.1", int(where)))
else:
    StartSerialServer(
        context=context, identity=identity, framer=ModbusRtuFramer, port=where, baudrate=19200, timeout=0.05
    )
