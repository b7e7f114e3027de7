#!/bin/bash
# The first process of the virtual machine of guest.sh: makes a node of it, runs the specs, and switches off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
if [ -e /etc/selinux/guest/policy ]; then
    mount -t selinuxfs selinuxfs /sys/fs/selinux
    # In one write, as the kernel asks for.
    dd if=/etc/selinux/guest/policy of=/sys/fs/selinux/load bs=4M 2> /dev/null
    echo "guest: SELinux, enforcing: $(cat /sys/fs/selinux/enforce), init is $(tr -d '\0' < /proc/self/attr/current)"
fi
[ -e /etc/selinux/guest/policy ] || mount -t securityfs securityfs /sys/kernel/security
# With systemd's options.
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup /sys/fs/cgroup
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -sf /proc/self/fd /dev/fd
mount --make-rshared /
ip link set lo up
for module in overlay bridge veth br_netfilter nf_tables nft_compat nft_chain_nat xt_comment xt_mark xt_MASQUERADE xt_addrtype xt_multiport xt_conntrack xt_statistic xt_tcpudp xt_nat; do
    modprobe -q "$module"
done
echo 1 > /proc/sys/net/ipv4/ip_forward
# As systemd does it: the controllers for everything below, and this node's own processes in a group beside the pods'.
mkdir /sys/fs/cgroup/system
for pid in $(cat /sys/fs/cgroup/cgroup.procs); do echo "$pid" > /sys/fs/cgroup/system/cgroup.procs 2>/dev/null; done
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; done
echo "guest: Linux $(uname -r), controllers: $(cat /sys/fs/cgroup/cgroup.subtree_control)"

docker-registry serve /etc/registry.yml > /var/tmp/registry.log 2>&1 &
gantryd > /var/tmp/gantryd.log 2>&1 &
gantryd=$!
for _ in $(seq 100); do gantry version > /dev/null 2>&1 && break; sleep 0.2; done
mapfile -t arguments < <(grep -v '^$' /etc/conformance-arguments)
gantry conformance --parallel 2 --cgroup-parent /kubepods "${arguments[@]}"
code=$?

# A pod's SELinux level is in its record: what a later daemon starts in the pod has the level of what the first one started.
keeps_level() {
    printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"level"},"spec":{"restartPolicy":"Always","containers":[{"name":"label",
        "image":"docker.io/library/busybox:1.36","command":["sh","-c","cat /proc/self/attr/current; echo"]}]}}' > /tmp/level.json
    gantry run --wait=false /tmp/level.json > /dev/null || return 1
    local before after
    before=$(attempts 1) || return 1
    kill -KILL "$gantryd"
    wait "$gantryd"
    gantryd >> /var/tmp/gantryd.log 2>&1 &
    gantryd=$!
    after=$(attempts $(($(echo "$before" | wc -l) + 1))) || return 1
    gantry rm --force level > /dev/null
    echo "guest: a pod's labels before and after a restart of the daemon:" $before / $after
    [ "$(echo "$after" | sort -u | wc -l)" = 1 ] && [[ $after = *:s0:c*,c* ]]
}

# The labels that the attempts of the container have printed, once there are so many.
attempts() {
    local lines
    for _ in $(seq 600); do
        lines=$(cat /var/log/pods/*_level_*/label/*.log 2>/dev/null | tr -d '\0' | sed -n 's/.* stdout F \(.*container_t.*\)/\1/p')
        [ "$(echo "$lines" | wc -l)" -lt "$1" ] || [ -z "$lines" ] || { echo "$lines"; return 0; }
        sleep 0.2
    done
    return 1
}
if [ -e /etc/selinux/guest/policy ] && ! keeps_level; then
    echo "guest: a pod did not keep its SELinux level over a restart of the daemon"
    code=1
fi
echo "guest: conformance ended with $code"
tail -n 40 /var/tmp/gantryd.log | sed 's/^/gantryd: /'
find /sys/fs/cgroup/kubepods -mindepth 1 -type d | while read -r group; do
    echo "guest: left behind: $group, with the processes '$(for pid in $(cat "$group/cgroup.procs"); do tr '\0' ' ' < "/proc/$pid/cmdline"; done)'"
done
[ ! -e /etc/selinux/guest/policy ] || dmesg | grep 'avc:  denied' | tail -n 40 | sed 's/^/guest: /'
sync
echo o > /proc/sysrq-trigger
sleep 60
