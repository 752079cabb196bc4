// SPDX-License-Identifier: GPL-2.0-only
/* Lists of ports: what is in them, and what is no list. */
#include <kunit/test.h>
#include <virtsock/ports.h>

#define R(a, b)	{ .first = (a), .last = (b) }

static void ports_in_ranges(struct kunit *test)
{
	static const struct virtsock_port_range ranges[] = {
		R(1024, 2047), R(22, 22), R(2000, 3000), R(U32_MAX - 1, U32_MAX),
	};
	static const struct { u32 port; bool in; } probes[] = {
		{ 0, false }, { 21, false }, { 22, true }, { 23, false },
		{ 1023, false }, { 1024, true }, { 2047, true }, { 2048, true },
		{ 3000, true }, { 3001, false }, { 0x80000000, false },
		{ U32_MAX - 2, false }, { U32_MAX - 1, true }, { U32_MAX, true },
	};
	struct virtsock_ports p;
	u32 i;

	KUNIT_ASSERT_EQ(test, virtsock_ports_set(&p, ranges, sizeof(ranges)), 0);
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		KUNIT_EXPECT_EQ_MSG(test, virtsock_ports_have(&p, probes[i].port),
				    probes[i].in, "port %u", probes[i].port);
	KUNIT_EXPECT_FALSE(test, virtsock_ports_are_all(&p));
}

static void ports_none(struct kunit *test)
{
	struct virtsock_ports p;

	memset(&p, 0xff, sizeof(p));
	KUNIT_ASSERT_EQ(test, virtsock_ports_set(&p, "", 0), 0);
	KUNIT_EXPECT_FALSE(test, virtsock_ports_have(&p, 0));
	KUNIT_EXPECT_FALSE(test, virtsock_ports_have(&p, 22));
	KUNIT_EXPECT_FALSE(test, virtsock_ports_have(&p, U32_MAX));
	KUNIT_EXPECT_FALSE(test, virtsock_ports_are_all(&p));
}

static void ports_all(struct kunit *test)
{
	static const struct virtsock_port_range ranges[] = {
		R(22, 22), R(0, U32_MAX),
	};
	static const struct virtsock_port_range less[] = {
		R(0, U32_MAX - 1), R(1, U32_MAX),
	};
	struct virtsock_ports p;

	virtsock_ports_all(&p);
	KUNIT_EXPECT_TRUE(test, virtsock_ports_are_all(&p));
	KUNIT_EXPECT_TRUE(test, virtsock_ports_have(&p, 0));
	KUNIT_EXPECT_TRUE(test, virtsock_ports_have(&p, U32_MAX));
	KUNIT_ASSERT_EQ(test, virtsock_ports_set(&p, ranges, sizeof(ranges)), 0);
	KUNIT_EXPECT_TRUE(test, virtsock_ports_are_all(&p));
	/* Neither of these is all. */
	KUNIT_ASSERT_EQ(test, virtsock_ports_set(&p, less, sizeof(less)), 0);
	KUNIT_EXPECT_FALSE(test, virtsock_ports_are_all(&p));
}

/* The last entry counts as much as the first, and there is none behind it. */
static void ports_many(struct kunit *test)
{
	struct virtsock_port_range ranges[VIRTSOCK_PORT_RANGES_MAX + 1];
	struct virtsock_ports p;
	u32 i, len = VIRTSOCK_PORT_RANGES_MAX * sizeof(ranges[0]);

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct virtsock_port_range)R(10 * i, 10 * i + 1);
	KUNIT_ASSERT_EQ(test, virtsock_ports_set(&p, ranges, len), 0);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		KUNIT_EXPECT_EQ(test, virtsock_ports_have(&p, 10 * i + 1),
				i < VIRTSOCK_PORT_RANGES_MAX);
	KUNIT_EXPECT_EQ(test, virtsock_ports_set(&p, ranges, sizeof(ranges)), -E2BIG);
	KUNIT_EXPECT_EQ(test, virtsock_ports_set(&p, ranges, U32_MAX), -E2BIG);
}

static void ports_that_are_no_list(struct kunit *test)
{
	static const struct virtsock_port_range bad[] = { R(1, 2), R(4, 3) };
	struct virtsock_ports p;
	u32 len;

	KUNIT_EXPECT_EQ(test, virtsock_ports_set(&p, bad, sizeof(bad)), -EINVAL);
	KUNIT_EXPECT_EQ(test, virtsock_ports_set(&p, bad, sizeof(bad[0])), 0);
	for (len = 1; len < sizeof(bad[0]); len++)
		KUNIT_EXPECT_EQ(test, virtsock_ports_set(&p, bad, len), -EINVAL);
}

static struct kunit_case ports_cases[] = {
	KUNIT_CASE(ports_in_ranges),
	KUNIT_CASE(ports_none),
	KUNIT_CASE(ports_all),
	KUNIT_CASE(ports_many),
	KUNIT_CASE(ports_that_are_no_list),
	{}
};

static struct kunit_suite ports_suite = {
	.name = "virtsock_ports",
	.test_cases = ports_cases,
};

kunit_test_suite(ports_suite);
