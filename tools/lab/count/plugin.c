/* A QEMU TCG plugin (API version 1, QEMU 7.2 on) that counts executed guest instructions by virtual CPU and by class of
 * address into a file that is mapped, so that anyone can read it while QEMU runs. Compiled without QEMU's headers and
 * without a C library's: what is needed of both is declared here.
 *
 *   -plugin count.so,counters=/path/of/a/file
 *
 * The file: u64 counters[CPUS][CLASSES]. Each CPU's row is written by one thread only. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

enum { LOW, LINUX, XEN, REPEATED, CLASSES };
enum { CPUS = 8 };

/* qemu-plugin.h */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int, void *),
                                          enum qemu_plugin_cb_flags flags, void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

/* fcntl.h, unistd.h, sys/mman.h on x86-64 Linux */
int open(const char *path, int flags, ...);
int ftruncate(int fd, long length);
void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset);
enum { O_RDWR = 2, O_CREAT = 0100, PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1 };

EXPORT int qemu_plugin_version = 1;

static uint64_t (*counters)[CLASSES];

static void executed(unsigned int cpu, void *userdata) {
  uintptr_t packed = (uintptr_t)userdata;
  if (cpu < CPUS) counters[cpu][packed & 7] += packed >> 3;
}

static int class_of(uint64_t address) {
  if (address < UINT64_C(0x0000800000000000)) return LOW;
  /* asm-x86/config.h: the hypervisor has L4 slots 256 to 271. */
  if (address >= UINT64_C(0xffff800000000000) && address < UINT64_C(0xffff880000000000)) return XEN;
  return LINUX;
}

/* A repeated string instruction runs as one block an iteration: it would count as thousands. */
static int is_repeated(const struct qemu_plugin_insn *insn) {
  const uint8_t *byte = qemu_plugin_insn_data(insn);
  size_t size = qemu_plugin_insn_size(insn);
  size_t at = 0;
  int repeated = 0;
  for (; at < size; at++) {
    uint8_t prefix = byte[at];
    if (prefix == 0xf2 || prefix == 0xf3) repeated = 1;
    else if (prefix != 0x66 && prefix != 0x67 && (prefix & 0xf0) != 0x40) break;
  }
  if (!repeated || at >= size) return 0;
  uint8_t opcode = byte[at];
  return (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) || (opcode >= 0x6c && opcode <= 0x6f);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  uintptr_t count = qemu_plugin_tb_n_insns(tb);
  uintptr_t class = class_of(qemu_plugin_tb_vaddr(tb));
  if (count == 1 && is_repeated(qemu_plugin_tb_get_insn(tb, 0))) class = REPEATED;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, (void *)(count << 3 | class));
}

/* The value of "counters=value"; 0 for another argument. */
static const char *counters_path(const char *argument) {
  const char *key = "counters=";
  while (*key != 0 && *key == *argument) key++, argument++;
  return *key == 0 ? argument : 0;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  const char *path = argc > 0 ? counters_path(argv[0]) : 0;
  if (path == 0) return -1;
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  size_t size = sizeof(uint64_t[CPUS][CLASSES]);
  if (fd < 0 || ftruncate(fd, (long)size) < 0) return -1;
  void *mapped = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == (void *)-1) return -1;
  counters = mapped;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
