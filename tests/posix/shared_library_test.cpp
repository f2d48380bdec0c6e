#include "posix/shared_library.h"

#include <gtest/gtest.h>

#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {
namespace {

std::string problem_of(const std::string& file, const std::string& function) {
  try {
    open_library_function(file, function);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SharedLibrary, FindsFunctionsWhereTheSystemLooks) {
  void* const cosine = open_library_function("libm.so.6", "cos");
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(reinterpret_cast<double (*)(double)>(cosine)(0.0), 1.0);
}

TEST(SharedLibrary, SaysWhichFileOrFunctionIsMissing) {
  EXPECT_NE(problem_of("libnowhere.so", "cos").find("libnowhere.so"), std::string::npos);
  EXPECT_NE(problem_of("libm.so.6", "no_such_function").find("no_such_function"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::posix
