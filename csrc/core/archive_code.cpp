#include "core/archive_code.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/runtime/operator.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include <algorithm>
#include <memory>
#include <tuple>

#include "core/compat.h"
#include "core/error.h"
#include "core/sha256.h"

namespace tsharness {

namespace {

using torch::jit::TreeRef;

/// LibTorch's reader finds records whatever the case of their letters.
std::string lower(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

/// The importer asks for "code/" + the name of a module + ".py".
bool may_be_code(const std::string& record) {
  const std::string name = lower(record);
  return name.rfind("code/", 0) == 0 && name.size() > 3 &&
         name.compare(name.size() - 3, 3, ".py") == 0;
}

/// Collects what a parsed function or class names.
class Mentions {
 public:
  explicit Mentions(ArchiveCode& code) : code_(code) {}

  void add(const TreeRef& tree) {
    const std::string path = dotted(tree);
    if (!path.empty()) {
      name(path);
    } else {
      if (tree->kind() == '.') code_.members.insert(tree->tree(1)->tree(0)->stringValue());
      for (const TreeRef& part : tree->trees()) add(part);
    }
  }

 private:
  /// "a.b.c" of a chain of attributes of a name; empty for anything else.
  static std::string dotted(const TreeRef& tree) {
    using namespace torch::jit;
    if (tree->kind() == TK_VAR) return tree->tree(0)->tree(0)->stringValue();
    if (tree->kind() != '.') return "";
    const std::string owner = dotted(tree->tree(0));
    return owner.empty() ? "" : owner + "." + tree->tree(1)->tree(0)->stringValue();
  }

  void name(const std::string& path) {
    const size_t dot = path.find('.');
    const std::string root = path.substr(0, dot);
    if (root == "torch" && path != "torch.device") {
      code_.operators.insert(
          dot == std::string::npos ? "aten::*" : "aten::" + path.substr(path.rfind('.') + 1));
    } else if (root == "ops") {
      const size_t second = dot == std::string::npos ? dot : path.find('.', dot + 1);
      code_.operators.insert(second == std::string::npos ? path + "::*"
                                                         : path.substr(dot + 1, second - dot - 1) +
                                                               "::" + path.substr(second + 1));
    } else if (path == "print") {
      code_.operators.insert("prim::Print");
    } else if (path == "fork" || path == "awaitable") {
      code_.operators.insert("prim::" + path);
    } else if (dot != std::string::npos) {
      code_.members.insert(path.substr(path.rfind('.') + 1));
    }
  }

  ArchiveCode& code_;
};

/// The record as the importer reads it.
std::string text_of(caffe2::serialize::PyTorchStreamReader& archive, const std::string& record) {
  const auto data = archive.getRecord(record);
  return {static_cast<const char*>(std::get<0>(data).get()), std::get<1>(data)};
}

/// Operators of the lite interpreter's functions, by LibTorch's own reader of pickles. No class is
/// looked up and no tensor is read: tables of functions hold texts and numbers.
void add_bytecode(const std::string& pickle, std::set<std::string>& operators) {
  size_t at = 0;
  const auto read = [&](char* target, size_t wanted) {
    const size_t size = pickle.copy(target, wanted, at);
    at += size;
    return size;
  };
  const auto no_tensor = [](const std::string&) { return at::DataPtr(nullptr, at::kCPU); };
  torch::jit::Unpickler unpickler(read, nullptr, nullptr, no_tensor, at::Device(at::kCPU));
  const c10::IValue table = unpickler.parse_ivalue();
  const auto& entries = table.toTupleRef().elements();  // a version, then functions
  for (size_t i = 1; i < entries.size(); ++i) {
    const auto& function = entries[i].toTupleRef().elements();
    for (const c10::IValue& part : function.at(1).toTupleRef().elements()) {
      const auto& named = part.toTupleRef().elements();
      if (named.at(0).toStringRef() != "operators") continue;
      for (const c10::IValue& one : named.at(1).toTupleRef().elements()) {
        operators.insert(one.toTupleRef().elements().at(0).toStringRef());
      }
    }
  }
}

/// As LibTorch's importer goes through a record: a version, imports, then classes and functions.
void parse(const std::string& record, const std::string& text, Mentions& mentions) {
  using namespace torch::jit;
  Parser parser(std::make_shared<Source>(text, record, 1));
  Lexer& lexer = parser.lexer();
  if (lexer.cur().kind == TK_IDENT && lexer.cur().text() == "op_version_set") {
    lexer.next();
    lexer.expect('=');
    lexer.expect(TK_NUMBER);
    lexer.expect(TK_NEWLINE);
  }
  while (lexer.cur().kind != TK_EOF) {
    if (lexer.nextIf(TK_IMPORT)) {
      while (lexer.cur().kind != TK_NEWLINE && lexer.cur().kind != TK_EOF) lexer.next();
      lexer.expect(TK_NEWLINE);
    } else if (lexer.cur().kind == TK_CLASS_DEF) {
      mentions.add(parser.parseClass());
    } else {
      mentions.add(parser.parseFunction(/*is_method=*/false));
    }
  }
}

}  // namespace

bool is_method_of_tensors(const std::string& name) {
  const auto& found = torch::jit::getAllOperatorsFor(c10::Symbol::aten(name));
  return std::any_of(found.begin(), found.end(), [](const auto& one) {
    return one->schema().argumentIndexWithName("self").has_value();
  });
}

void add_names(const std::string& record, const std::string& text, ArchiveCode& code) {
  translating_errors(ErrorKind::Artifact, [&] {
    Mentions mentions(code);
    parse(record, text, mentions);
  });
}

ArchiveCode read_archive_code(const std::string& path) {
  return translating_errors(ErrorKind::Artifact, [&] {
    caffe2::serialize::PyTorchStreamReader archive(path);
    ArchiveCode found;
    if (archive.hasRecord("model.json")) {
      throw Error(ErrorKind::Artifact,
                  "it holds model.json, which a LibTorch may take for its code; "
                  "export it again with PyTorch 1.4 or newer");
    }
    if (archive.hasRecord("bytecode.pkl")) {
      add_bytecode(text_of(archive, "bytecode.pkl"), found.operators);
    }
    for (const std::string& record : archive.getAllRecords()) {
      if (!may_be_code(record)) continue;
      const std::string text = text_of(archive, record);
      found.records[record] = sha256(text);
      add_names(record, text, found);
    }
    return found;
  });
}

}  // namespace tsharness
