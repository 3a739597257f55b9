/* A QEMU TCG plugin (API version 1, QEMU 7.2 on) that counts executed guest instructions by virtual CPU and by class of
 * address into a file that is mapped, so that anyone can read it while QEMU runs. Compiled without QEMU's headers and
 * without a C library's: what is needed of both is declared here.
 * It samples what one CPU executes, too: one address of every SAMPLE_EVERY instructions; and it tells how many that CPU had
 * executed when it first came to places that are marked.
 *
 *   -plugin count.so,counters=/path/of/a/file,samples=/path/of/another,marks=/and/of/a/third
 *
 * counters: u64 counters[CPUS][CLASSES]. Each CPU's row is written by one thread only.
 * samples: u64 taken, u64 every, u64 capacity, u64 addresses[capacity], where sample i is at i % capacity. An address is that of
 * the first instruction of a block without jumps. Repeated string instructions are not sampled.
 * marks: { u64 from, to, reached }[MARKS]: from and to, addresses, are written by the other side, before the code between them
 * is translated. A block that begins there is a place; reached is 0 until it runs. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

enum class { LOW, LINUX, XEN, REPEATED, CLASSES };
enum { CPUS = 8 };
/* The guest under test has this CPU to itself. A prime: no loop is as long. */
enum { SAMPLED_CPU = 1, SAMPLE_EVERY = 211, SAMPLES = 1 << 20 };

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

static struct {
  uint64_t taken;
  uint64_t every;
  uint64_t capacity;
  uint64_t addresses[SAMPLES];
} *samples;

enum { MARKS = 8 };
static struct {
  uint64_t from;
  uint64_t to;
  uint64_t reached;
} *marks;

/* Instructions to the next sample. */
static int64_t left = SAMPLE_EVERY;

/* What a block's callback is told, in 64 bits: address << 16 | repeated << 15 | instructions. */
enum { INSTRUCTIONS_MASK = 0x7fff, IS_REPEATED = 0x8000, ADDRESS_SHIFT = 16 };

static enum class class_of(uint64_t address) {
  if (address < UINT64_C(0x0000800000000000)) return LOW;
  /* asm-x86/config.h: the hypervisor has L4 slots 256 to 271. */
  if (address >= UINT64_C(0xffff800000000000) && address < UINT64_C(0xffff880000000000)) return XEN;
  return LINUX;
}

static void executed(unsigned int cpu, void *userdata) {
  intptr_t packed = (intptr_t)userdata;
  uint64_t address = (uint64_t)(packed >> ADDRESS_SHIFT); /* with its sign: upper addresses begin with ones */
  int64_t count = packed & INSTRUCTIONS_MASK;
  if (cpu >= CPUS) return;
  if (packed & IS_REPEATED) {
    counters[cpu][REPEATED] += (uint64_t)count;
    return;
  }
  counters[cpu][class_of(address)] += (uint64_t)count;
  if (cpu != SAMPLED_CPU || (left -= count) > 0) return;
  left += SAMPLE_EVERY;
  samples->addresses[samples->taken++ % SAMPLES] = address;
}

static void reached(unsigned int cpu, void *userdata) {
  uint64_t *at = &marks[(intptr_t)userdata].reached;
  if (cpu != SAMPLED_CPU || *at != 0) return;
  *at = counters[cpu][LOW] + counters[cpu][LINUX] + counters[cpu][XEN];
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
  uint64_t address = qemu_plugin_tb_vaddr(tb);
  for (intptr_t i = 0; i < MARKS; i++) {
    if (address < marks[i].from || address >= marks[i].to) continue;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, reached, QEMU_PLUGIN_CB_NO_REGS, (void *)i);
  }
  uintptr_t packed = (uintptr_t)address << ADDRESS_SHIFT | qemu_plugin_tb_n_insns(tb);
  if (qemu_plugin_tb_n_insns(tb) == 1 && is_repeated(qemu_plugin_tb_get_insn(tb, 0))) packed |= IS_REPEATED;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, QEMU_PLUGIN_CB_NO_REGS, (void *)packed);
}

/* The value of "key=value"; 0 for another argument. */
static const char *value_of(const char *argument, const char *key) {
  while (*key != 0 && *key == *argument) key++, argument++;
  return *key == 0 && *argument == '=' ? argument + 1 : 0;
}

/* A new file of zeros, mapped; 0 where that is not to be had. */
static void *mapped_file(const char *path, size_t size) {
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, (long)size) < 0) return 0;
  void *mapped = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return mapped == (void *)-1 ? 0 : mapped;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    const char *path = value_of(argv[i], "counters");
    if (path != 0) counters = mapped_file(path, sizeof(uint64_t[CPUS][CLASSES]));
    path = value_of(argv[i], "samples");
    if (path != 0) samples = mapped_file(path, sizeof(*samples));
    path = value_of(argv[i], "marks");
    if (path != 0) marks = mapped_file(path, sizeof(*marks) * MARKS);
  }
  if (counters == 0 || samples == 0 || marks == 0) return -1;
  samples->every = SAMPLE_EVERY;
  samples->capacity = SAMPLES;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
