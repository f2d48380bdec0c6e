#!/usr/bin/env bash
# Mesa's llvmpipe says that its memory heap has 2 GiB on every machine, and gives more than that.
#
# Version:   Debian 12's mesa-vulkan-drivers 22.3.6-1+deb12u2 (llvmpipe, LLVM 15); the Python package vulkan 1.3.275.1.
# Guess:     the heap is the computer's memory, or a part of it, as integrated GPUs report it; when the heap is used up,
#            vkAllocateMemory returns VK_ERROR_OUT_OF_DEVICE_MEMORY.
# Behaviour: the heap's size is 2147483648 bytes, whatever memory the computer has. Six blocks of 1 GiB are allocated from it, one
#            after the other, and all succeed.
# Meets us:  a program that compares a model's weights with the heap before it loads them refuses models that fit. Debian's Python
#            and apt, on x86-64, are needed to run this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
wanted=mesa-vulkan-drivers=22.3.6-1+deb12u2
needed=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  libvulkan1 mesa-vulkan-drivers | grep '^[a-z]' | grep -v -e '^libc6' -e :i386 -e '^debconf' -e '^cdebconf' -e '^mesa-vulkan-drivers' | sort -u)
apt-get download --quiet "$wanted" $(for package in $needed; do apt-cache show "$package" >/dev/null 2>&1 && echo "$package"; done) >/dev/null
for package in *.deb; do
  dpkg-deb --extract "$package" system
done
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check vulkan==1.3.275.1 cffi==1.17.1

libraries=$folder/system/usr/lib/x86_64-linux-gnu
sed "s#\"library_path\": \"#&$libraries/#; s#$libraries//#$folder/system/#" system/usr/share/vulkan/icd.d/lvp_icd.x86_64.json >driver.json
VK_DRIVER_FILES=driver.json VK_ICD_FILENAMES=driver.json LD_LIBRARY_PATH=$libraries:$folder/system/lib/x86_64-linux-gnu python/bin/python - <<'END'
import vulkan as vk

GIB = 1 << 30

application = vk.VkApplicationInfo(apiVersion=vk.VK_MAKE_VERSION(1, 2, 0))
instance = vk.vkCreateInstance(vk.VkInstanceCreateInfo(pApplicationInfo=application), None)
(gpu,) = vk.vkEnumeratePhysicalDevices(instance)
print(vk.vkGetPhysicalDeviceProperties(gpu).deviceName)
memory = vk.vkGetPhysicalDeviceMemoryProperties(gpu)
heap = memory.memoryHeaps[memory.memoryTypes[0].heapIndex].size
print("heap", heap)
assert heap == 2 * GIB, heap

queue = vk.VkDeviceQueueCreateInfo(queueFamilyIndex=0, queueCount=1, pQueuePriorities=[1.0])
device = vk.vkCreateDevice(gpu, vk.VkDeviceCreateInfo(queueCreateInfoCount=1, pQueueCreateInfos=[queue]), None)
blocks = []
for number in range(6):
    info = vk.VkMemoryAllocateInfo(allocationSize=GIB, memoryTypeIndex=0)
    blocks.append(vk.vkAllocateMemory(device, info, None))  # raises where the driver refuses
print("allocated", len(blocks), "GiB")
assert len(blocks) * GIB == 3 * heap
END
