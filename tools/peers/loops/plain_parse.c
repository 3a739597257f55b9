/* The request line of HTTP/1.1 (RFC 9112 section 3), as strictly as Karyon's httpd reads it. */
#include "plain.h"

enum { BAD_REQUEST = 400, VERSION_NOT_SUPPORTED = 505, VERSION_LENGTH = 8 };

/* tchar of RFC 9110 section 5.6.2. */
static const uint8_t token[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,
    ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static const struct {
  const char *name;
  uint8_t method;
} methods[] = {
    {"GET", METHOD_GET},    {"HEAD", METHOD_HEAD},   {"OPTIONS", METHOD_OPTIONS}, {"POST", METHOD_OTHER},
    {"PUT", METHOD_OTHER},  {"DELETE", METHOD_OTHER}, {"PATCH", METHOD_OTHER},     {"TRACE", METHOD_OTHER},
    {"CONNECT", METHOD_OTHER},
};

static int equal(const char *text, size_t length, const char *literal) {
  size_t i = 0;
  while (i < length && literal[i] != 0 && text[i] == literal[i]) i++;
  return i == length && literal[i] == 0;
}

static uint8_t method_of(const char *text, size_t length) {
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    if (equal(text, length, methods[i].name)) return methods[i].method;
  }
  return METHOD_UNKNOWN;
}

static int is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* Major and minor version of "HTTP/d.d", a digit each in four bits; -1 when it is something else. */
static int version_of(const char *text) {
  if (!equal(text, 5, "HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) return -1;
  return (text[5] - '0') << 4 | (text[7] - '0');
}

static int is_target(const char *at, const char *end) {
  for (; at < end; at++) {
    if (*at < 0x21 || *at > 0x7e || *at == '#') return 0;
  }
  return 1;
}

int plain_parse(struct request_line *request, const char *text, size_t length) {
  *request = (struct request_line){0};
  const char *end = text + length;
  const char *at = text;
  while (at < end && token[(uint8_t)*at]) at++;
  if (at == text || at == end || *at != ' ') return BAD_REQUEST;
  request->method = method_of(text, (size_t)(at - text));
  const char *target = at + 1;
  if (end - target < VERSION_LENGTH + 2) return BAD_REQUEST;
  const char *target_end = end - VERSION_LENGTH - 1;
  if (*target_end != ' ') return BAD_REQUEST;
  int version = version_of(target_end + 1);
  if (version < 0 || !is_target(target, target_end)) return BAD_REQUEST;
  if (version >> 4 != 1) return VERSION_NOT_SUPPORTED;
  request->minor_version = (version & 15) != 0;
  if (request->method == METHOD_OPTIONS && target_end - target == 1 && *target == '*') return 0;
  if (*target != '/') return BAD_REQUEST;
  const char *query = target;
  while (query < target_end && *query != '?') query++;
  request->path = (struct span){(uint32_t)(target - text), (uint32_t)(query - target)};
  if (query < target_end) request->query = (struct span){(uint32_t)(query - text), (uint32_t)(target_end - query)};
  return 0;
}
