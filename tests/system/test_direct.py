# SPDX-License-Identifier: Apache-2.0
"""The short path, QEMU -kernel and guest-loader, on GICv2; and dom0's reboot."""


def test_dom0_and_its_driver(direct):
    assert direct.ok("nproc") == "2"
    assert "tarn" in direct.ok("cat /proc/modules")


def test_domu_on_gicv2(direct):
    domu = direct.domu("debian")
    assert domu.ok("nproc") == "2"
    domu.ok("timeout 120 sh -c 'until ip -4 addr show scope global | grep -q 192.168.77; do sleep 1; "
            "done'", timeout=140)
    domu.ok("ping -c 1 -W 20 192.168.77.1", timeout=60)
    direct.leave()


def test_clean_shutdown_of_a_domu(direct):
    direct.ok("tarn shutdown debian", timeout=60)
    direct.ok("timeout 240 sh -c 'while tarn list | grep -q debian; do sleep 2; done'", timeout=260)


def test_reboot_of_the_machine(direct):
    direct.child.sendline("systemctl reboot")
    direct.child.expect_exact("dom0 asked for reset", timeout=300)
    direct.child.expect_exact("tarn: firmware", timeout=60)
