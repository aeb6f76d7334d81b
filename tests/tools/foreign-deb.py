#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a Debian package whose files have owners, modes and a device that only root could give.

usage: foreign-deb.py FILE.deb
"""
import io
import sys
import tarfile

CONTROL = """Package: foreign
Version: 1
Architecture: all
Maintainer: me <me@example.org>
Description: owners, set-user-ID, a device, a capability
"""
# cap_net_raw=ep, as setcap would: version 2, effective; permitted 1 << 13.
POSTINST = """#!/bin/sh
set -e
perl -e '($f, $n) = ("/opt/foreign/capable", "security.capability");
         $v = pack("V5", 0x02000001, 1 << 13, 0, 0, 0);
         syscall(188, $f, $n, $v, 20, 0) == 0 or die "$!"'
chown backup:mail /opt/foreign/by-script
chmod 2755 /opt/foreign/by-script
"""


def member(tar, name, kind=tarfile.REGTYPE, uid=0, gid=0, mode=0o644, data=b"", device=(0, 0),
           link=""):
    info = tarfile.TarInfo(name)
    info.type, info.uid, info.gid, info.mode, info.linkname = kind, uid, gid, mode, link
    info.devmajor, info.devminor = device
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def archive(fill):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        fill(tar)
    return out.getvalue()


def control(tar):
    member(tar, "./control", data=CONTROL.encode())
    member(tar, "./postinst", mode=0o755, data=POSTINST.encode())


def content(tar):
    for name in ("./", "./opt/", "./opt/foreign/"):
        member(tar, name, tarfile.DIRTYPE, mode=0o755)
    member(tar, "./opt/foreign/owned", uid=33, gid=104, data=b"owned\n")
    member(tar, "./opt/foreign/setuid", uid=33, gid=104, mode=0o4755, data=b"#!/bin/sh\n")
    member(tar, "./opt/foreign/setgid", gid=104, mode=0o2755, data=b"#!/bin/sh\n")
    member(tar, "./opt/foreign/dir", tarfile.DIRTYPE, uid=104, gid=33, mode=0o1770)
    member(tar, "./opt/foreign/link", tarfile.SYMTYPE, uid=33, gid=33, mode=0o777, link="owned")
    member(tar, "./opt/foreign/null", tarfile.CHRTYPE, gid=6, mode=0o640, device=(1, 3))
    member(tar, "./opt/foreign/disk", tarfile.BLKTYPE, gid=6, mode=0o660, device=(8, 1))
    member(tar, "./opt/foreign/capable", mode=0o755, data=b"#!/bin/sh\n")
    member(tar, "./opt/foreign/by-script", mode=0o755, data=b"#!/bin/sh\n")


def main():
    with open(sys.argv[1], "wb") as deb:
        deb.write(b"!<arch>\n")
        for name, data in (("debian-binary", b"2.0\n"), ("control.tar.gz", archive(control)),
                           ("data.tar.gz", archive(content))):
            deb.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
            deb.write(data + b"\n" * (len(data) % 2))


main()
