/*
 * A plugin for the emulator QEMU: counts the instructions of a program's main thread (vcpu 0) into a file of eight
 * bytes, which others read while the program runs. Built without QEMU's header: it declares the few calls it makes.
 * gcc -shared -fPIC -O2 -DAPI_VERSION=2 -o count.so count.c; qemu-x86_64 -plugin count.so,out=FILE PROGRAM
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct qemu_plugin_tb;
typedef void (*on_translated)(uint64_t plugin, struct qemu_plugin_tb *block);
typedef void (*on_executed)(unsigned int vcpu, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, on_translated call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, on_executed call, int flags, void *data);

/* QEMU looks for this name, and refuses a version that it does not speak. */
int qemu_plugin_version = API_VERSION;

static volatile uint64_t *count;

static void executed(unsigned int vcpu, void *instructions) {
  if (vcpu == 0) *count += (uint64_t)instructions;
}

static void translated(uint64_t plugin, struct qemu_plugin_tb *block) {
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, (void *)qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(uint64_t plugin, const void *info, int argc, char **argv) {
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) return 1;
  int file = open(argv[0] + 4, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, sizeof *count) != 0) return 1;
  count = mmap(0, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (count == MAP_FAILED) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, translated);
  return 0;
}
