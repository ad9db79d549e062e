#include "core/judged.h"

#include <gtest/gtest.h>
#include <torch/csrc/jit/mobile/import.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "core/archive_code.h"
#include "core/compiled_operators.h"
#include "core/error.h"
#include "runner/loading.h"

namespace tsharness {
namespace {

using Names = std::set<std::string>;

ArchiveCode names_of(const std::string& text) {
  ArchiveCode code;
  add_names("code/__torch__.py", text, code);
  return code;
}

std::string function(const std::string& body) { return "def f(x: Tensor):\n" + body; }

/// What a kind of node of `tests/python/test_second_line.py` is in C++: a module of that source.
torch::jit::Module module_of(const std::string& source) {
  torch::jit::Module module("M");
  module.define(source);
  return module;
}

class SavedModule : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  void save(const std::string& source) { module_of(source).save(path_); }

  /// What the inspection would say of it.
  Json judged() const {
    const ArchiveCode code = read_archive_code(path_);
    return {{"records", code.records}, {"operators", code.operators}};
  }

  Loaded load(const Json& judged) const {
    return load_session(judged, path_, at::kCPU, Cast(Json()), "");
  }

  const std::string path_ =
      std::filesystem::temp_directory_path() / ("judged_" + std::to_string(::getpid()) + ".pt");
};

std::string refusal(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::Refused ? error.what() : std::string("not refused");
  }
  return "";
}

TEST(ArchiveCode, NamesOperatorsAsTheInspectionDoes) {
  const Names found = names_of(function("  y = torch.add(x, x)\n"
                                        "  z = ops.prim.device(y)\n"
                                        "  w = ops.demo.sub.twice(y)\n"
                                        "  g = torch.autograd.grad\n"
                                        "  print(y)\n"
                                        "  return torch.relu\n"))
                          .operators;
  EXPECT_EQ(found, (Names{"aten::add", "aten::grad", "aten::relu", "demo::sub.twice", "prim::Print",
                          "prim::device"}));
}

TEST(ArchiveCode, TheBeginningOfANameIsAnOperatorThatNobodyKnows) {
  EXPECT_EQ(names_of(function("  t = torch\n  o = ops.demo\n  return x\n")).operators,
            (Names{"aten::*", "ops.demo::*"}));
}

TEST(ArchiveCode, ReadsLinesAndIndentationAsLibTorchDoes) {
  // A form feed is no end of a line, and a tab is one column.
  const Names found = names_of(
                          "def f(x: Tensor):\n"
                          "\ty = x # \f\n"
                          "\ttorch.save(x, \"p\")\n"
                          "\treturn y\n")
                          .operators;
  EXPECT_EQ(found, Names{"aten::save"});
}

TEST(ArchiveCode, SeesVersionsImportsAndClasses) {
  const ArchiveCode found = names_of(
      "op_version_set = 1\n"
      "import __torch__.other\n"
      "class M(Module):\n"
      "  __parameters__ = []\n"
      "  def __setstate__(self: __torch__.M, x: Tensor) -> NoneType:\n"
      "    self.weight = torch.from_file(\"p\")\n"
      "    return None\n");
  EXPECT_EQ(found.operators, Names{"aten::from_file"});
  EXPECT_EQ(found.members.count("weight"), 1U);
}

TEST(ArchiveCode, WhatItCannotParseIsAnError) {
  EXPECT_THROW(names_of("def f(:\n"), Error);
  EXPECT_THROW(names_of("import __torch__"), Error);
  EXPECT_THROW(names_of("torch.save(1)\n"), Error);
}

TEST(ArchiveCode, KnowsMethodsOfTensors) {
  EXPECT_TRUE(is_method_of_tensors("relu_"));
  EXPECT_FALSE(is_method_of_tensors("save"));  // its first argument is not called self
  EXPECT_FALSE(is_method_of_tensors("no_such_thing"));
}

TEST(CompiledOperators, SeesNestedBlocksFunctionsAndClosures) {
  const Names found = compiled_code(module_of(R"JIT(
def helper(self, x):
    return torch.sinh(x)
def forward(self, x):
    if bool(x.sum() > 0):
        for i in range(3):
            x = torch.cosh(x)
    return self.helper(x)
)JIT"))
                          .operators;
  for (const char* op : {"aten::sinh", "aten::cosh", "aten::sum", "aten::gt", "aten::Bool"}) {
    EXPECT_EQ(found.count(op), 1U) << op;
  }
  EXPECT_EQ(found.count("prim::If"), 0U);
}

TEST_F(SavedModule, IsLoadedIfItIsWhatWasJudged) {
  save("def forward(self, x):\n    return torch.sinh(x)\n");
  EXPECT_EQ(load(judged()).operators, Names{"aten::sinh"});
  EXPECT_EQ(load(Json()).operators, Names{"aten::sinh"});  // nobody has judged it
}

TEST_F(SavedModule, OtherCodeThanWasJudgedIsRefused) {
  save("def forward(self, x):\n    return torch.sinh(x)\n");
  Json other = judged();
  for (Json& hash : other["records"]) hash = std::string(64, '0');
  EXPECT_NE(refusal([&] { load(other); }).find("has other bytes"), std::string::npos);
  Json fewer = judged();
  fewer["records"] = Json::object();
  EXPECT_NE(refusal([&] { load(fewer); }).find("was not seen"), std::string::npos);
  Json more = judged();
  more["records"]["code/more.py"] = "";
  EXPECT_NE(refusal([&] { load(more); }).find("code/more.py is not there"), std::string::npos);
}

TEST_F(SavedModule, OperatorsThatWereNotJudgedAreRefused) {
  save("def forward(self, x):\n    y = [torch.sinh(x)]\n    return y[0]\n");
  Json named = judged();
  named["operators"] = Json::array();
  EXPECT_EQ(refusal([&] { load(named); }).substr(0, 5), "TS368");
  // That which LibTorch makes of the language has no name in the code.
  EXPECT_EQ(refusal([&] { load(judged()); }),
            "TS369 LibTorch compiled what was not judged: aten::__getitem__");
  Json harmless = judged();
  harmless["harmless"] = {{"aten", {"__getitem__"}}};
  EXPECT_EQ(load(harmless).operators, (Names{"aten::__getitem__", "aten::sinh"}));
}

TEST_F(SavedModule, TheLiteInterpretersBytecodeIsSeen) {
  module_of("def forward(self, x):\n    return torch.sinh(x)\n")._save_for_mobile(path_);
  // Among others: the interpreter has functions of its own, which stand in for older operators.
  EXPECT_EQ(compiled_operators(torch::jit::_load_for_mobile(path_)).count("aten::sinh"), 1U);
}

TEST(Judged, IsReadOrRefused) {
  EXPECT_THROW(Judged(Json{{"records", 1}}), Error);
  const Judged judged(Json{{"records", Json::object()}, {"operators", {"aten::add"}}});
  judged.check_compiled({"aten::add"});
  EXPECT_EQ(refusal([&] { judged.check_compiled({"aten::add", "aten::save"}); }),
            "TS369 LibTorch compiled what was not judged: aten::save");
}

}  // namespace
}  // namespace tsharness
