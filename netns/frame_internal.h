/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet, IPv4 and IPv6 as bytes, for frame_policy.c and frame_refusal.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ETHER_LEN       14
#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_ARP  0x0806
#define ETHER_TYPE_IPV6 0x86dd
#define IPV4_LEN        20
#define IPV6_LEN        40
#define IPV4_FRAGMENTED 0xbfff /* all but "do not fragment" */

static inline unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}
