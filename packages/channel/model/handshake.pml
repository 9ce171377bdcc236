/*
 * The handshake of docs/channel-protocol.md for SPIN: one honest initiator A, one honest responder B, and an attacker E
 * who owns the network, has an identity of his own that both accept, and does with messages whatever the keys he has
 * allow. Signatures, key agreement and sealing are perfect; everything else is as in the document. E is no process of
 * its own: whoever receives takes any message that E could have made at that moment, the honest one among them.
 *
 * Checked: who is established with an honest peer agrees with it on both names, the offer, the suite and the keys, and E
 * does not know the keys (assertions); with -DHONEST (a network that only delivers) both ends are established (no
 * invalid end state). Left out: the HelloRetryRequest, resumption, pre-shared keys,
 * static KEM identities and rekeying.
 *
 * Negative controls, each of which SPIN must refute: -DWITHOUT_NAMES (signatures and proofs leave out who calls whom),
 * -DWITHOUT_OFFER (they leave out what was offered), -DWITHOUT_KEYS (they leave out the key agreement),
 * -DWITHOUT_SIGNATURES (nobody signs), -DWITHOUT_CONFIRM (the initiator does not wait for the last message).
 */
#define A 1
#define B 2
#define E 3
#define STRONG 2
#define WEAK 1

/* A view of the handshake; `share` and `cipher` name who made the key share and the ciphertext. */
typedef View { byte from; byte to; byte offer; byte share; byte suite; byte cipher };

View i, r;
/* What has been sent by the honest ends. */
bool helloSent, answerSent, authSentR, authSentI, confirmSent;
bool doneI, doneR;

/* E has made one of the two halves of the key agreement, so he knows what follows from it. */
#define KNOWN(v) (v.share == E || v.cipher == E)
#define SAME_KEY (i.share == r.share && i.cipher == r.cipher)
#define AGREE (i.from == r.from && i.to == r.to && i.offer == r.offer && i.suite == r.suite && SAME_KEY)

#ifdef WITHOUT_NAMES
#define NAMES true
#else
#define NAMES (i.from == r.from && i.to == r.to)
#endif
#ifdef WITHOUT_OFFER
#define OFFER true
#else
#define OFFER (i.offer == r.offer)
#endif
#ifdef WITHOUT_KEYS
#define KEYS true
#else
#define KEYS SAME_KEY
#endif
/* What a signature of one honest end says is what the other end expects: its transcript is the same. */
#define FITS (NAMES && OFFER && i.suite == r.suite && KEYS)

/* The peer's record opens, its proof and its signature are right. Honest: it was sealed under our key. Forged: E knows
 * the key and has a signature for it: his own, where he is the peer, or an honest one. */
#ifdef WITHOUT_SIGNATURES
#define SIGNED(peer, honest) true
#else
#define SIGNED(peer, honest) (peer == E || (honest && FITS))
#endif
#ifdef HONEST
#define FORGED(v) false
#else
#define FORGED(v) KNOWN(v)
#endif

active proctype Initiator() {
  atomic {
    i.from = A; i.offer = STRONG; i.share = A;
#ifdef HONEST
    i.to = B;
#else
    if :: i.to = B :: i.to = E fi;
#endif
    helloSent = true
  }
  /* ServerHello, in the clear: B's ciphertext is one for A's share only if B has got that share. */
  atomic {
    if
    :: answerSent && r.share == A -> i.cipher = B; i.suite = r.suite
#ifndef HONEST
    :: answerSent && r.share == A -> i.cipher = B; i.suite = WEAK
    :: i.cipher = E; i.suite = STRONG
    :: i.cipher = E; i.suite = WEAK
#endif
    fi
  }
  /* The responder's auth. What nobody can make never comes: the handshake ends by time-out. */
  atomic {
    if
    :: authSentR && SAME_KEY && FITS && SIGNED(i.to, authSentR) -> skip
    :: FORGED(i) && SIGNED(i.to, authSentR) -> skip
#ifndef HONEST
    :: goto failed
#endif
    fi;
    authSentI = true
  }
  /* The responder's confirm. */
#ifndef WITHOUT_CONFIRM
  atomic {
    if
    :: confirmSent && SAME_KEY && FITS -> skip
    :: FORGED(i) -> skip
#ifndef HONEST
    :: goto failed
#endif
    fi
  }
#endif
  doneI = true;
  assert(i.to != B || (AGREE && doneR && !KNOWN(i)));
failed:
  skip
}

active proctype Responder() {
  /* ClientHello, in the clear: from anybody, with any offer and any share. */
  atomic {
    r.to = B; r.cipher = B;
    if
    :: helloSent -> r.from = A; r.offer = i.offer; r.share = A
#ifndef HONEST
    :: if :: r.from = A :: r.from = E fi;
       if :: r.offer = STRONG :: r.offer = WEAK fi;
       if :: helloSent -> r.share = A :: r.share = E fi
#endif
    fi;
#ifdef HONEST
    if :: i.to == B -> skip fi;
#endif
    r.suite = r.offer;
    answerSent = true
  }
  authSentR = true;
  /* The initiator's auth. */
  atomic {
    if
    :: authSentI && SAME_KEY && FITS && SIGNED(r.from, authSentI) -> skip
    :: FORGED(r) && SIGNED(r.from, authSentI) -> skip
#ifndef HONEST
    :: goto failed
#endif
    fi;
    doneR = true
  }
  assert(r.from != A || (AGREE && !KNOWN(r)));
  confirmSent = true;
failed:
  skip
}
