// Intrusive, circular, doubly linked list. A head is a node of its own; an empty list's head points at itself.
// Invariant: for every linked node n, n.next.previous == n.previous.next == n. An unlinked node has next == 0.

/** A link inside a larger structure, or the head of a list. 8 bytes. */
@unmanaged
export class ListNode {
  next: usize;
  previous: usize;
}

/** Makes `head` an empty list. */
export function listInit(head: ListNode): void {
  head.next = changetype<usize>(head);
  head.previous = changetype<usize>(head);
}

/** True when no node is linked behind `head`. */
export function listEmpty(head: ListNode): bool {
  return head.next == changetype<usize>(head);
}

/** True while `node` is in a list. */
export function listLinked(node: ListNode): bool {
  return node.next != 0;
}

/** Links `node` at the end of the list; it must not be in one. */
export function listInsertTail(head: ListNode, node: ListNode): void {
  node.next = changetype<usize>(head);
  node.previous = head.previous;
  changetype<ListNode>(head.previous).next = changetype<usize>(node);
  head.previous = changetype<usize>(node);
}

/** Unlinks `node`; does nothing when it is not in a list. */
export function listRemove(node: ListNode): void {
  if (node.next == 0) return;
  changetype<ListNode>(node.previous).next = node.next;
  changetype<ListNode>(node.next).previous = node.previous;
  node.next = 0;
  node.previous = 0;
}

/** The first node, or 0 when the list is empty. */
export function listFirst(head: ListNode): usize {
  return listEmpty(head) ? 0 : head.next;
}
