-- Lua on Karyon: errors, coroutines, strings and files. Ends with os.exit(3). With the argument "shallow" C does not call itself without end.
local checked = 0
local function check(what, condition)
  checked = checked + 1
  if not condition then print("FAILED: " .. what) end
end

-- Errors.
local ok, message = pcall(error, "said", 0)
check("error with a string", not ok and message == "said")
local object = { code = 42 }
ok, message = pcall(function() error(object) end)
check("error object", not ok and message == object and message.code == 42)
ok, message = pcall(function() local t = nil; return t.field end)
check("error of the interpreter: " .. tostring(message), not ok and message:find("checks.lua:%d+: attempt to index a nil value %(local 't'%)"))
check("no error", select("#", pcall(function() return 1, nil, 3 end)) == 4)
check("xpcall's handler", select(2, xpcall(function() error("x", 0) end, function(m) return m .. "!" end)) == "x!")
check("traceback", select(2, xpcall(function() error("deep") end, debug.traceback)):find("stack traceback:\n"))
local function nested(depth)
  if depth == 0 then error("bottom", 0) end
  local ok, message = pcall(nested, depth - 1)
  error(message .. depth % 10, 0)
end
ok, message = pcall(nested, 30)
check("errors thrown again through 30 levels", not ok and message == "bottom" .. ("1234567890"):rep(3))
local caught = 0
for i = 1, 20000 do
  if not pcall(error, i) then caught = caught + 1 end
end
check("20000 errors", caught == 20000)
ok, message = pcall(load, function() error("reader", 0) end)
check("error in load's reader", ok and message == nil)
check("syntax error", select(2, load("x = = 1")):find("unexpected symbol near '='"))

-- Coroutines.
local co = coroutine.wrap(function(a)
  for i = 1, 3 do a = a + coroutine.yield(a * i) end
  return "end"
end)
check("yields", co(1) == 1 and co(1) == 4 and co(1) == 9 and co(1) == "end")
local failing = coroutine.create(function() coroutine.yield(1); error({ "in a coroutine" }) end)
check("first resume", coroutine.resume(failing))
ok, message = coroutine.resume(failing)
check("error in a coroutine", not ok and message[1] == "in a coroutine" and coroutine.status(failing) == "dead")
local protected = coroutine.wrap(function()
  local ok, message = pcall(function() coroutine.yield("yielded"); error("after", 0) end)
  return tostring(ok) .. message
end)
check("yield across pcall", protected() == "yielded" and protected() == "falseafter")
local closed
local closing = coroutine.create(function()
  local guard <close> = setmetatable({}, { __close = function() closed = true end })
  coroutine.yield()
end)
coroutine.resume(closing)
check("close of a coroutine", coroutine.close(closing) and closed)
local function generate(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local sum = 0
for i = 1, 100 do
  for value in generate(i) do sum = sum + value end
end
check("a hundred coroutines", sum == 171700)

-- Strings and numbers.
check("format", string.format("%5.2f|%q|%x|%-5s|%g", 3.14159, 'a"\n', 255, "ab", 1e100) == ' 3.14|"a\\"\\\n"|ff|ab   |1e+100')
check("gsub", ("hello world"):gsub("o", { o = "0" }) == "hell0 w0rld")
check("match", ("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key")
check("pack", string.unpack("<i4", string.pack("<i4", -2)) == -2)
check("utf8", utf8.char(228, 8364) == "ä€" and utf8.len("ä€") == 2)
check("integers", math.maxinteger + 1 == math.mininteger and 7 // -2 == -4 and 1 << 63 == math.mininteger)
check("division by zero", not pcall(function() return 1 // 0 end) and 1 / 0 == math.huge)
local parts = {}
for i = 1, 20000 do parts[i] = i end
check("concat", #table.concat(parts, ",") == 108893)
collectgarbage()

-- Files.
local name = "/tmp/lines.txt"
local file <close> = assert(io.open(name, "w"))
for i = 1, 100 do file:write("line ", i, "\n") end
file:close()
local count = 0
for line in io.lines(name) do
  count = count + 1
  if line ~= "line " .. count then count = -1000 end
end
check("lines", count == 100)
local append = assert(io.open(name, "a+"))
append:write("the end")
append:seek("set", 5)
check("read", append:read("n") == 1 and append:read("a"):sub(-8) == "\nthe end")
append:close()
check("embedded file", io.open("/etc/motd"):read("a") == "be welcome\n")
ok, message = io.open("/none/such")
check("missing file: " .. tostring(message), ok == nil and message == "/none/such: No such file or directory")
check("write to what is read-only", io.open("/etc/motd", "w") == nil)
local temporary = assert(io.tmpfile())
temporary:write("gone with its descriptor")
temporary:seek("set")
check("tmpfile", temporary:read("a") == "gone with its descriptor")
check("rename and remove", os.rename(name, name .. "2") and os.remove(name .. "2") and not os.remove(name))
check("module", require("greeting").greet("Karyon") == "hello, Karyon")

-- The system.
check("time", os.time() > 1600000000 and os.date("!%Y-%m-%d", 86400) == "1970-01-02" and os.clock)
check("environment", os.getenv("HOME_OF") == "lua" and os.getenv("NONE") == nil)
check("arguments", arg[0] == "/checks.lua" and arg[1] == "one")
check("no shell", os.execute() == false)

-- Endless recursion, in Lua, in C, and in C and Lua by turns.
local function endless() return 1 + endless() end
ok, message = pcall(endless)
check("endless recursion: " .. tostring(message), not ok and message:find("stack overflow"))
local index = setmetatable({}, { __index = function(t, key) return t[key + 1] end })
if arg[2] ~= "shallow" then
  ok, message = pcall(function() return index[1] end)
  check("endless metamethods: " .. tostring(message), not ok and message:find("C stack overflow"))
end
ok, message = pcall(string.gsub, "a", "a", function() return endless() end)
check("endless recursion below C: " .. tostring(message), not ok and message:find("stack overflow"))
check("deep nesting of a chunk", not load(("("):rep(1000) .. "1" .. (")"):rep(1000)))
check("what is too large", not pcall(string.rep, "x", 1 << 40))

print(checked .. " checks of " .. _VERSION)
io.stdout:write("bye\n")
os.exit(3, true)
