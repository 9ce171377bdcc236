/*
 * The handshake of docs/channel-protocol.md over packets, for SPIN: token, HelloRetryRequest, flights that get lost and
 * doubled and are sent again. Keys and signatures are those of handshake.pml; here a proof is right where both ends have
 * seen the same first hello. One honest initiator at CLIENT; an attacker who claims to be at VICTIM, where he hears
 * nothing, who has a token for EVIL, where he is, and who changes hellos that he sees.
 *
 * Checked: nothing is kept or computed for an address that has not shown that it hears; nobody gets more packets than
 * came from there before that; keys are agreed on once; the suite is the best that both have (assertions). With -DHONEST
 * (a network that loses and doubles a few packets but lies about none) both ends are established: no invalid end state.
 *
 * Negative controls, each of which SPIN must refute: -DWITHOUT_ADDRESS (a token is good for any address), -DWITHOUT_TOKEN
 * (none is asked for), -DWITHOUT_MEMORY (the retry forgets the first hello), and with -DHONEST -DWITHOUT_REPEAT (the
 * responder does not repeat its flight), -DWITHOUT_TIMER (the initiator does not).
 */
mtype = { HELLO, RETRY, RETRY_REQUEST, ANSWER, AUTH, CONFIRM };

#define NOBODY 0
#define CLIENT 1
#define VICTIM 2
#define EVIL 3
/* Offers, and the suite that follows from one. */
#define NONE 0
#define WEAK 1
#define BOTH 2

#ifdef HONEST
#define LOSSES 3
#define DOUBLES 1
/* Every time-out follows a loss: more of them than this are an initiator that waits in vain. */
#define TRIES 6
#define QUEUE 3
#else
/* What is lost for good is an initiator that gives up; what comes twice the attacker sends. */
#define LOSSES 0
#define DOUBLES 0
#define TRIES 1
#define QUEUE 2
#endif

/* To the responder: kind, address, address that the token is for, offer, first offer as the cookie has it. */
chan toR = [QUEUE] of { mtype, byte, byte, byte, byte };
/* To the initiator: kind, value (address that the token is for, offer of the cookie, suite), first offer in the proof. */
chan toI = [QUEUE] of { mtype, byte, byte };

byte losses = LOSSES, doubles = DOUBLES;
bool doneI, doneR;
byte computed, fromVictim, toVictim;

/* A packet arrives, is lost, or arrives twice; with a full queue it is lost. */
#define PASS(queue, packet) \
  if \
  :: nfull(queue) -> queue!packet \
  :: full(queue) -> skip \
  :: losses > 0 -> losses-- \
  :: doubles > 0 && nfull(queue) -> doubles--; queue!packet; if :: nfull(queue) -> queue!packet :: full(queue) -> skip fi \
  fi
#define SAY(kind, a, b, c, d) atomic { PASS(toR, kind(a, b, c, d)) }
#define REPLY(kind, a, b) \
  atomic { \
    if \
    :: from == CLIENT -> PASS(toI, kind(a, b)) \
    :: from == VICTIM -> toVictim++ \
    :: from == EVIL -> skip \
    fi \
  }

#ifdef WITHOUT_ADDRESS
#define GOOD(token) (token != NOBODY)
#else
#define GOOD(token) (token == from)
#endif
#ifdef WITHOUT_TOKEN
#define SHOWN(token) true
#else
#define SHOWN(token) GOOD(token)
#endif
#ifdef WITHOUT_MEMORY
#define SAME(a, b) true
#else
#define SAME(a, b) (a == b)
#endif

active proctype Initiator() {
  byte token = NOBODY, cookie = NONE, suite = NONE, value, proof, tries = TRIES;
hello:
  SAY(HELLO, CLIENT, token, BOTH, cookie);
  do
  :: toI?RETRY(value, proof) -> if :: token == NOBODY -> token = value; goto hello :: else fi
  :: toI?RETRY_REQUEST(value, proof) -> if :: cookie == NONE -> cookie = value; goto hello :: else fi
  :: toI?ANSWER(suite, proof) -> if :: SAME(proof, BOTH) -> break :: else -> goto failed fi
  :: toI?CONFIRM(value, proof)
#ifndef WITHOUT_TIMER
  :: timeout && tries > 0 -> tries--; goto hello
#endif
#ifndef HONEST
  :: goto failed
#endif
  od;
auth:
  SAY(AUTH, CLIENT, NOBODY, NONE, NONE);
  do
  :: toI?CONFIRM(value, proof) -> break
  :: toI?RETRY(value, proof)
  :: toI?RETRY_REQUEST(value, proof)
  :: toI?ANSWER(value, proof)
#ifndef WITHOUT_TIMER
  :: timeout && tries > 0 -> tries--; goto auth
#endif
#ifndef HONEST
  :: goto failed
#endif
  od;
  doneI = true;
  assert(doneR);
  assert(suite == BOTH);
failed:
end:
  do
  :: toI?_(value, proof)
  od
}

/* What is kept is kept for CLIENT; of handshakes at EVIL's own address nothing matters here. */
active proctype Responder() {
  byte from, token, offer, cookie, first = NONE;
  mtype flight = HELLO;
end:
  do
  :: toR?HELLO(from, token, offer, cookie) ->
    if
    :: !SHOWN(token) ->
      REPLY(RETRY, from, NONE);
      assert(toVictim <= fromVictim)
    :: else ->
      assert(from != VICTIM);
      if
      :: from == EVIL
      :: from == CLIENT && flight == HELLO && cookie == NONE ->
        /* The share is for another key agreement: once more, for the best of what is offered. */
        first = offer; flight = RETRY_REQUEST;
        REPLY(RETRY_REQUEST, first, NONE)
      :: from == CLIENT && flight == HELLO && cookie != NONE
      :: from == CLIENT && flight == RETRY_REQUEST && cookie == NONE ->
#ifndef WITHOUT_REPEAT
        REPLY(RETRY_REQUEST, first, NONE)
#else
        skip
#endif
      :: from == CLIENT && flight == RETRY_REQUEST && cookie != NONE ->
        if
        :: SAME(cookie, offer) ->
          computed++;
          assert(computed == 1);
          flight = ANSWER;
          REPLY(ANSWER, first, first)
        :: else
        fi
      :: from == CLIENT && (flight == ANSWER || flight == CONFIRM) ->
#ifndef WITHOUT_REPEAT
        if
        :: flight == ANSWER -> REPLY(ANSWER, first, first)
        :: flight == CONFIRM -> REPLY(CONFIRM, NONE, NONE)
        fi
#else
        skip
#endif
      fi
    fi
  :: toR?AUTH(from, token, offer, cookie) ->
    if
    :: flight == ANSWER -> doneR = true; flight = CONFIRM; REPLY(CONFIRM, NONE, NONE)
    :: flight == CONFIRM ->
#ifndef WITHOUT_REPEAT
      REPLY(CONFIRM, NONE, NONE)
#else
      skip
#endif
    :: else
    fi
  od
}

#ifdef HONEST
/* Once nothing moves any more both ends must be established: whoever waits for it in vain is an invalid end state. */
active proctype Both() {
  doneI && doneR
}
#else
active proctype Attacker() {
  byte tries = 2, token, offer, cookie;
end:
  do
  :: tries > 0 ->
    atomic {
      tries--;
      if :: token = NOBODY :: token = EVIL :: token = CLIENT fi;
      if :: offer = WEAK :: offer = BOTH fi;
      if :: cookie = NONE :: cookie = WEAK :: cookie = BOTH fi;
      if
      :: nfull(toR) -> fromVictim++; toR!HELLO(VICTIM, (token == CLIENT -> EVIL : token), offer, cookie)
      /* A hello of the honest initiator, changed on its way. */
      :: nfull(toR) -> toR!HELLO(CLIENT, token, offer, cookie)
      :: full(toR) -> skip
      fi
    }
  od
}
#endif
