#!/usr/bin/env bash
# The specs in a virtual machine with Debian's cloud kernel, where /sys/fs/cgroup is cgroup v2 alone. Without KVM it is
# emulated, and takes its time. Everything is made below artifacts/guest; nothing is changed on this machine. As on Debian,
# AppArmor is on: every container has the server's profile.
# With GANTRY_GUEST_SELINUX=1 the kernel runs SELinux, enforcing, with the policy of guest-selinux.cil: for the specs 'selinux/'; a
# pod whose daemon is killed must then keep its level.
# With GANTRY_GUEST_ACCELERATOR=tcg it is emulated where KVM is there, but not whole.
# With GANTRY_GUEST_SUITE=trixie the kernel is that Debian's (Linux 6.12) instead of this machine's Debian's.
# usage: guest.sh [arguments of 'gantry conformance']     needs root, and qemu-system-x86, kmod, e2fsprogs (installed if missing)
set -euo pipefail
cd "$(dirname "$0")/.."

selinux=${GANTRY_GUEST_SELINUX:-}
missing=()
for package in qemu-system-x86 kmod e2fsprogs ${selinux:+secilc}; do
    dpkg-query -W -f='${Status}' $package 2>/dev/null | grep -q 'ok installed' || missing+=($package)
done
[ ${#missing[@]} = 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" > /dev/null
eng/install-deps.sh
eng/publish.sh
guest=$PWD/artifacts/guest
mkdir -p "$guest"

# The lists of another Debian are kept apart from this machine's own.
suite=${GANTRY_GUEST_SUITE:-}
kernel=$guest/kernel${suite:+-$suite}
kernel() {
    [ ! -e "$kernel/boot" ] || return 0
    local package release apt=()
    if [ -n "$suite" ]; then
        mkdir -p "$guest/apt/lists/partial"
        echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | head -1) $suite main" > "$guest/apt/sources.list"
        apt=(-o "Dir::Etc::sourcelist=$guest/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$guest/apt/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
        apt-get "${apt[@]}" update -q > /dev/null
    fi
    package=$(apt-cache "${apt[@]}" depends "linux-image-cloud-amd64${suite:+/$suite}" | awk '/Depends: linux-image/ { print $2; exit }')
    (cd "$guest" && apt-get "${apt[@]}" download -q "$package" > /dev/null 2>&1 && dpkg -x "$package"_*.deb "$kernel.new" && rm "$package"_*.deb)
    [ ! -d "$kernel.new/usr/lib/modules" ] || [ -d "$kernel.new/lib/modules" ] || { mkdir -p "$kernel.new/lib" && mv "$kernel.new/usr/lib/modules" "$kernel.new/lib/"; }
    find "$kernel.new/lib/modules" -name '*.ko.xz' -exec unxz {} +
    release=$(basename "$kernel.new"/lib/modules/*)
    depmod -b "$kernel.new" "$release"
    mv "$kernel.new" "$kernel"
}

# A program or library, and every library that it is linked with, at its own path below a root.
take() {
    local root=$1 file path
    shift
    for file in "$@"; do
        path=$(command -v "$file" || echo "$file")
        mkdir -p "$root$(dirname "$path")"
        rm -f "$root$path"
        cp -Lf "$path" "$root$path"
        for library in $(ldd "$path" 2>/dev/null | grep -oE '/[^ ]+'); do
            [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
        done
    done
}

# The first root, from memory: it finds the disk and goes on there.
initrd() {
    local root=$guest/initrd
    rm -rf "$root" && mkdir -p "$root"/{bin,proc,sys,dev,disk,lib/modules}
    cp /bin/busybox "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    cp -r "$kernel"/lib/modules/* "$root/lib/modules/"
    find "$root/lib/modules" -name '*.ko' ! -path '*/virtio/*' ! -name 'virtio_blk.ko' -delete
    cat > "$root/init" <<'INIT'
#!/bin/sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox modprobe virtio_pci
/bin/busybox modprobe virtio_blk
while [ ! -e /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /disk
/bin/busybox mount --move /dev /disk/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /disk /init
INIT
    chmod 0755 "$root/init"
    (cd "$root" && find . | /bin/busybox cpio -o -H newc 2>/dev/null | gzip -1) > "$guest/initrd.gz"
}

# The program that loads AppArmor's profiles, and what they include.
apparmor() {
    if [ ! -e "$guest/apparmor/sbin" ]; then
        mkdir -p "$guest/apparmor.new"
        (cd "$guest" && apt-get download -q apparmor > /dev/null 2>&1 && dpkg -x apparmor_*.deb apparmor.new && rm apparmor_*.deb && mv apparmor.new apparmor)
    fi
    mkdir -p "$1/usr/share"
    cp -r "$guest/apparmor/usr/share/apparmor-features" "$1/usr/share/"
    cp -r "$guest/apparmor/etc/." "$1/etc/"
    take "$1" "$guest/apparmor/sbin/apparmor_parser"
    mv "$1$guest/apparmor/sbin/apparmor_parser" "$1/usr/sbin/"
}

# A policy below a root, and what an administrator's files say of it.
policy() {
    local root=$1/etc/selinux
    mkdir -p "$root/guest/contexts"
    {
        cat eng/guest-selinux.cil
        seq -f '(category c%g)' 0 1023
        echo "(categoryorder ($(seq -s ' ' -f 'c%g' 0 1023)))"
    } > "$guest/policy.cil"
    secilc -M true -U allow -c 33 -o "$root/guest/policy" -f /dev/null "$guest/policy.cil"
    printf 'SELINUX=enforcing\nSELINUXTYPE=guest\n' > "$root/config"
    printf 'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n' > "$root/guest/contexts/lxc_contexts"
}

# The disk: what a node has, the published programs, a registry that is filled already, and what to do.
disk() {
    local root=$guest/root
    rm -rf "$root" && mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{etc/cni/net.d,etc/gantry/certs.d/_default,proc,sys,dev,run,tmp,var/tmp,var/lib,root,usr/lib/cni,usr/lib/modules,usr/local/bin}
    for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
    cp /bin/busybox "$root/bin/busybox"
    for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"; done
    cp -r "$kernel"/lib/modules/* "$root/lib/modules/"
    take "$root" bash crun runc nsenter unshare ip iptables iptables-save iptables-restore ip6tables docker-registry mount umount setpriv catatonit
    take "$root" /usr/lib/cni/*
    take "$root" /usr/lib/x86_64-linux-gnu/xtables/*.so $(ls /lib/x86_64-linux-gnu/libnss_files.so.2 /lib/x86_64-linux-gnu/{libgcc_s.so.1,libssl.so.3,libcrypto.so.3} 2>/dev/null)
    for name in iptables iptables-save iptables-restore ip6tables; do cp -L "$(command -v xtables-nft-multi)" "$root/usr/sbin/$name"; done
    take "$root" "$(command -v xtables-nft-multi)"
    take "$root" "$PWD"/artifacts/bin/gantryd "$PWD"/artifacts/bin/gantry "$PWD"/artifacts/bin/gantry-monitor
    for program in gantryd gantry gantry-monitor; do mv "$root$PWD/artifacts/bin/$program" "$root/usr/local/bin/"; done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' > "$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' > "$root/etc/group"
    printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
    printf '[host."http://127.0.0.1:5000"]\ncapabilities = ["pull", "resolve"]\n' > "$root/etc/gantry/certs.d/_default/hosts.toml"
    unshare --net bash -c "ip link set lo up; eng/registry.sh start '$guest/registry' 5000; eng/registry.sh stop '$guest/registry'"
    mkdir -p "$root/var/lib/registry" && cp -r "$guest/registry/storage" "$root/var/lib/registry/"
    printf 'version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: /var/lib/registry/storage } }\nhttp: { addr: "127.0.0.1:5000" }\n' > "$root/etc/registry.yml"
    cp eng/guest-init.sh "$root/init"
    printf '%s\n' "$@" > "$root/etc/conformance-arguments"
    if [ -n "$selinux" ]; then policy "$root"; else apparmor "$root"; fi
    rm -f "$guest/disk.img"
    mke2fs -q -t ext4 -d "$root" -L guest "$guest/disk.img" 3G
}

kernel
initrd
disk "$@"
accelerator=${GANTRY_GUEST_ACCELERATOR:-$([ -w /dev/kvm ] && echo kvm || echo tcg,thread=multi)}
timeout "${GANTRY_GUEST_SECONDS:-3600}" qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu max -smp 2 -m 3072 -nographic -no-reboot -net none \
    -kernel "$kernel"/boot/vmlinuz-* -initrd "$guest/initrd.gz" -append "console=ttyS0 quiet panic=-1 systemd.unified_cgroup_hierarchy=1 swapaccount=1${selinux:+ security=selinux enforcing=1}" \
    -drive "file=$guest/disk.img,format=raw,if=virtio,cache=unsafe" < /dev/null | tee "$guest/console.log"
grep -q '^guest: conformance ended with 0' <(tr -d '\r' < "$guest/console.log")
