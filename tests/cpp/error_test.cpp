#include "core/error.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>

namespace tsharness {
namespace {

template <class Body>
Error error_of(Body&& body) {
  try {
    translating_errors(ErrorKind::Execution, body);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::Usage, "nothing was thrown");
}

TEST(Errors, TorchLosesItsBacktrace) {
  const Error error = error_of([] { TORCH_CHECK(false, "the reason"); });
  EXPECT_EQ(error.kind(), ErrorKind::Execution);
  EXPECT_STREQ(error.what(), "the reason");
}

TEST(Errors, ExhaustedMemoryIsAKindOfItsOwn) {
  EXPECT_EQ(error_of([] { throw std::bad_alloc(); }).kind(), ErrorKind::Memory);
  EXPECT_EQ(error_of([] { TORCH_CHECK(false, "not enough memory: tried 1 TB"); }).kind(),
            ErrorKind::Memory);
}

TEST(Errors, AnErrorKeepsItsKind) {
  const Error error = error_of([] { throw Error(ErrorKind::Device, "no such device"); });
  EXPECT_EQ(error.kind(), ErrorKind::Device);
}

TEST(Errors, WhatIsNoExceptionIsAnErrorToo) {
  EXPECT_EQ(error_of([] { throw 3; }).kind(), ErrorKind::Execution);
}

TEST(Errors, EveryKindHasAName) { EXPECT_STREQ(kind_name(ErrorKind::CaseFile), "case-file"); }

}  // namespace
}  // namespace tsharness
