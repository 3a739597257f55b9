import { test } from "node:test";
import { startForkd } from "./forkd_support.ts";
import { boot, useLab } from "./support.ts";
const lab = useLab();
test("debug", { timeout: 300000 }, async () => {
  await using forkd = await startForkd(lab(), { args: (process.env.FORKD_ARGS ?? "").split(" ") });
  await using guest = await boot(lab(), "test/apps/fork", { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] });
  await new Promise((r) => setTimeout(r, 30000));
  const script = `const k=require("/tmp/forkd/node_modules/koffi");const l=k.load("libxenctrl.so.4.17");const o=l.func("void *xc_interface_open(void*,void*,unsigned int)");const g=l.func("int xc_vcpu_getcontext(void*,uint32_t,uint32_t,void*)");const h=o(null,null,0);for(let i=0;i<12;i++){const b=Buffer.alloc(5168);g(h,Number(process.argv[1]),0,b);const r=n=>b.readBigUInt64LE(520+n).toString(16);console.log("rip",r(128),"rsp",r(152),"rdi",r(112),"rax",r(80), "rbx", r(40), "r12", r(24), "flags", r(144));}`;
  console.log(await lab().run(`node -e '${script}' 2 2>&1; true`));
  console.log(guest.console.text, forkd.output.text);
  console.log(await lab().run("xl list; for f in /var/log/xen/console/guest-*; do echo == $f; cat $f; done; xl dmesg | tail -15; xl vcpu-list; xenstore-ls -f /karyon"));
});
