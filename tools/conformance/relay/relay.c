/* Carries Ethernet frames between its standard input and output and a tap device: a frame is its length as two bytes, the high one
 * first, and its bytes. An empty frame on the output says that the device is there. Compiled without a C library. */
#include "../../peers/probes/system.h"

enum { IOCTL = 16 };
enum { TUNSETIFF = 0x400454ca, IFF_TAP = 2, IFF_NO_PI = 0x1000, O_RDWR = 2, POLLIN = 1 };
enum { FRAME_MAX = 65536, INPUT_SIZE = 4 * FRAME_MAX };

static unsigned char input[INPUT_SIZE];
static unsigned char output[2 + FRAME_MAX];

static void fail(long status) { call(EXIT, status, 0, 0, 0, 0, 0); }

static void write_all(long fd, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    long written = call(WRITE, fd, (long)bytes, (long)length, 0, 0, 0);
    if (written <= 0) fail(3);
    bytes += written;
    length -= (size_t)written;
  }
}

/* Writes the whole frames among the first `length` bytes of the input to the device; how many bytes are left at its beginning. */
static size_t take_frames(long tap, size_t length) {
  size_t at = 0;
  while (length - at >= 2) {
    size_t size = (size_t)input[at] << 8 | input[at + 1];
    if (length - at < 2 + size) break;
    /* A frame that the device refuses is lost, as on a wire. */
    call(WRITE, tap, (long)(input + at + 2), (long)size, 0, 0, 0);
    at += 2 + size;
  }
  for (size_t i = at; i < length; i++) input[i - at] = input[i];
  return length - at;
}

static void give_frame(long tap) {
  long length = call(READ, tap, (long)(output + 2), FRAME_MAX - 1, 0, 0, 0);
  if (length <= 0) return;
  output[0] = (unsigned char)(length >> 8);
  output[1] = (unsigned char)length;
  write_all(1, output, 2 + (size_t)length);
}

__attribute__((force_align_arg_pointer, used, noreturn)) void _start(void) {
  struct {
    char name[16];
    uint16_t flags;
    char rest[22];
  } request = {"peer0", IFF_TAP | IFF_NO_PI, {0}};
  long tap = call(OPEN, (long)"/dev/net/tun", O_RDWR, 0, 0, 0, 0);
  if (tap < 0 || call(IOCTL, tap, TUNSETIFF, (long)&request, 0, 0, 0) != 0) fail(2);
  const unsigned char ready[2] = {0, 0};
  write_all(1, ready, sizeof ready);
  struct {
    int32_t fd;
    int16_t events, happened;
  } sources[2] = {{0, POLLIN, 0}, {(int32_t)tap, POLLIN, 0}};
  size_t held = 0;
  for (;;) {
    if (call(POLL, (long)sources, 2, -1, 0, 0, 0) < 0) continue;
    if (sources[1].happened & POLLIN) give_frame(tap);
    if (sources[0].happened == 0) continue;
    long length = call(READ, 0, (long)(input + held), (long)(INPUT_SIZE - held), 0, 0, 0);
    if (length <= 0) fail(0);
    held = take_frames(tap, held + (size_t)length);
  }
}
