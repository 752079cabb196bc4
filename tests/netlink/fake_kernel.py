# SPDX-License-Identifier: GPL-2.0-only
"""
A kernel for the command under test, by the specification: what the command
asks for is checked against it, and what it is told is made from it.
"""

import errno
import os
import select
import socket
import struct
import threading

GENL_ID_CTRL = 0x10
FAMILY_ID = 0x1f
GROUPS = {"nlctrl": {"notify": 1}, "virtsock": {"monitor": 9}}

CTRL_NEWFAMILY, CTRL_DELFAMILY, CTRL_GETFAMILY = 1, 2, 3
CTRL_ID, CTRL_NAME, CTRL_GROUPS = 1, 2, 7
CTRL_GROUP_NAME, CTRL_GROUP_ID = 1, 2

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 2, 4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
ERR_MSG, ERR_OFFSET = 1, 2

SIZES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


def attribute(number, payload):
    packed = struct.pack("=HH", 4 + len(payload), number) + payload
    return packed + b"\0" * (-len(packed) % 4)


def attributes(packed):
    """[(number, payload, offset)]"""
    found, offset = [], 0
    while offset + 4 <= len(packed):
        length, number = struct.unpack_from("=HH", packed, offset)
        assert 4 <= length <= len(packed) - offset, "a broken attribute"
        found.append((number & 0x3fff, packed[offset + 4:offset + length],
                      offset))
        offset += length + (-length % 4)
    return found


class Refuse(Exception):
    """The kernel's no: an error number, its words, the attribute it is about"""

    def __init__(self, code, text="", about=None):
        super().__init__(text)
        self.code, self.text, self.about = code, text, about


class FakeKernel:
    def __init__(self, spec, path, host=True, guest=False, family=True):
        self.spec = spec
        self.path = path
        self.host, self.guest, self.family = host, guest, family
        self.vms = {}           # cid: {attribute's name: value}
        self.link = {}
        self.refuse = {}        # operation: Refuse
        self.slow = {}          # operation: how often it takes too long
        self.events = []        # sent once the group is joined
        self.ends = False       # then the module is unloaded
        self.interrupted = 0    # dumps that change under the reader's hands
        self.raw = b""          # appended to the attributes of every answer
        self.requests = []      # (operation, {name: value}, is a dump)
        self.wrong = []         # requests that the specification forbids
        self.by_number = {o["value"]: n for n, o in spec.operations.items()}
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(8)
        self.stopper = os.pipe()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.stopper[1])
        self.thread.join()
        os.close(self.stopper[0])
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        clients = []
        while True:
            ready, _, _ = select.select(
                [self.listener, self.stopper[0], *clients], [], [])
            if self.stopper[0] in ready:
                break
            for one in ready:
                if one is self.listener:
                    clients.append(one.accept()[0])
                    continue
                try:
                    datagram = one.recv(65536)
                except ConnectionError:
                    datagram = b""
                if not datagram:
                    clients.remove(one)
                    one.close()
                else:
                    self._answer(one, datagram)
        for one in clients:
            one.close()

    # Encoding

    def encode(self, set_name, values):
        packed = b""
        for name, value in values.items():
            kind = self.spec.sets[set_name][name]
            if kind["type"] == "nest":
                payload = self.encode(kind["nested-attributes"], value)
            elif kind["type"] == "string":
                payload = value if isinstance(value, bytes) else value.encode()
                payload += b"\0"
            elif kind["type"] == "binary":
                payload = value if isinstance(value, bytes) else \
                    struct.pack(f"={len(value)}{SIZES[kind['sub-type']]}", *value)
            else:
                payload = struct.pack("=" + SIZES[kind["type"]], value)
            packed += attribute(kind["value"], payload)
        return packed

    def decode(self, operation, packed):
        allowed = self.spec.request(self.spec.operations[operation])
        by_number = {a["value"]: a for a in self.spec.sets["virtsock"].values()}
        values = {}
        for number, payload, _ in attributes(packed):
            kind = by_number.get(number)
            if not kind or kind["name"] not in allowed:
                raise ValueError(f"{operation}: attribute {number}")
            if kind["type"] == "string":
                limit = kind.get("checks", {}).get("max-len")
                if payload[-1:] != b"\0" or (limit and len(payload) > limit + 1):
                    raise ValueError(f"{operation}: string {payload}")
                values[kind["name"]] = payload[:-1].decode()
            elif kind["type"] == "binary":
                one = SIZES[kind["sub-type"]]
                if len(payload) > kind["checks"]["max-len"]:
                    raise ValueError(f"{operation}: {len(payload)} bytes")
                values[kind["name"]] = list(struct.unpack(
                    f"={len(payload) // struct.calcsize(one)}{one}", payload))
            else:
                (values[kind["name"]],) = struct.unpack(
                    "=" + SIZES[kind["type"]], payload)
        return values

    @staticmethod
    def message(kind, payload, seq, flags=0):
        return struct.pack("=IHHII", 16 + len(payload), kind, flags, seq,
                           4711 if seq else 0) + payload

    @staticmethod
    def generic(command, packed):
        return struct.pack("=BBH", command, 1, 0) + packed

    # Answers

    def _error(self, client, request, code, text="", about=None):
        seq = struct.unpack_from("=I", request, 8)[0]
        payload = struct.pack("=i", -code) + request[:16]
        flags = NLM_F_CAPPED
        extra = b""
        if text:
            extra += attribute(ERR_MSG, text.encode() + b"\0")
        if about:
            number = self.spec.sets["virtsock"][about]["value"]
            for found, _, offset in attributes(request[20:]):
                if found == number:
                    extra += attribute(ERR_OFFSET,
                                       struct.pack("=I", 20 + offset))
        if extra:
            flags |= NLM_F_ACK_TLVS
        client.send(self.message(NLMSG_ERROR, payload + extra, seq, flags))

    def _answer(self, client, datagram):
        if len(datagram) == 4:
            self._join(client, struct.unpack("=I", datagram)[0])
            return
        kind, flags, seq = struct.unpack_from("=HHI", datagram, 4)
        command = datagram[16]
        if kind == GENL_ID_CTRL:
            self._control(client, datagram, seq)
            return
        operation = self.by_number[command]
        dump = flags & NLM_F_DUMP == NLM_F_DUMP
        try:
            values = self.decode(operation, datagram[20:])
        except ValueError as error:
            self.wrong.append(str(error))
            self._error(client, datagram, errno.EINVAL, "not in the spec")
            return
        self.requests.append((operation, values, dump))
        try:
            found = self._do(operation, values, dump)
        except Refuse as no:
            if dump:    # as the kernel does: an error at the end of nothing
                client.send(self.message(
                    NLMSG_DONE, struct.pack("=i", -no.code), seq, NLM_F_MULTI))
            else:
                self._error(client, datagram, no.code, no.text, no.about)
            return
        if dump:
            changed = NLM_F_DUMP_INTR if self.interrupted else 0
            self.interrupted -= bool(self.interrupted)
            for one in found:
                client.send(self._object(command, one, seq,
                                         NLM_F_MULTI | changed))
            client.send(self.message(NLMSG_DONE, struct.pack("=i", 0), seq,
                                     NLM_F_MULTI | changed))
            return
        for one in found:
            client.send(self._object(command, one, seq))
        if flags & NLM_F_ACK:
            self._error(client, datagram, 0)

    def _object(self, command, values, seq, flags=0):
        return self.message(
            FAMILY_ID, self.generic(command, self.encode("virtsock", values) +
                                    self.raw), seq, flags)

    def _control(self, client, datagram, seq):
        name = ""
        for number, payload, _ in attributes(datagram[20:]):
            if number == CTRL_NAME:
                name = payload.rstrip(b"\0").decode()
        if name not in GROUPS or (name == "virtsock" and not self.family):
            self._error(client, datagram, errno.ENOENT)
            return
        client.send(self.message(GENL_ID_CTRL, self.generic(
            CTRL_NEWFAMILY, self._family(name)), seq))
        self._error(client, datagram, 0)

    @staticmethod
    def _family(name):
        groups = b""
        for number, (group, value) in enumerate(GROUPS[name].items(), 1):
            groups += attribute(number, attribute(
                CTRL_GROUP_NAME, group.encode() + b"\0") + attribute(
                    CTRL_GROUP_ID, struct.pack("=I", value)))
        number = FAMILY_ID if name == "virtsock" else GENL_ID_CTRL
        return (attribute(CTRL_ID, struct.pack("=H", number)) +
                attribute(CTRL_NAME, name.encode() + b"\0") +
                attribute(CTRL_GROUPS, groups))

    def _join(self, client, group):
        if group != GROUPS["virtsock"]["monitor"]:
            return
        command = self.spec.operations["event"]["value"]
        for event in self.events:
            if event is None:
                client.send(b"lost")
            else:
                client.send(self._object(command, event, 0))
        if self.ends:
            client.send(self.message(GENL_ID_CTRL, self.generic(
                CTRL_DELFAMILY, self._family("virtsock")), 0))

    # What the modules would do

    def _do(self, operation, values, dump):
        if operation in self.refuse:
            raise self.refuse[operation]
        if not (self.host if operation.startswith("vm-") else self.guest):
            raise Refuse(errno.EOPNOTSUPP, "the module is not loaded")
        if operation == "vm-get" and dump:
            return list(self.vms.values())
        if operation == "link-get":
            return [self.link]
        if operation == "link-set":
            self.link["admin-up"] = values["admin-up"]
            return []
        cid = values["cid"]
        if self.slow.get(operation):
            self.slow[operation] -= 1
            # Its end goes on, and is done before the last request.
            if operation == "vm-del" and not self.slow[operation]:
                self.vms.pop(cid, None)
            raise Refuse(errno.EAGAIN)
        if operation == "vm-add":
            if cid in self.vms:
                raise Refuse(errno.EEXIST, "CID in use", "cid")
            if any(v["pid"] == values["pid"] for v in self.vms.values()):
                raise Refuse(errno.EBUSY, "bound already")
            self.vms[cid] = values
            return []
        if cid not in self.vms:
            raise Refuse(errno.ENOENT)
        if operation == "vm-get":
            return [self.vms[cid]]
        if operation == "vm-del":
            del self.vms[cid]
        else:
            self.vms[cid].update(values)
        return []
