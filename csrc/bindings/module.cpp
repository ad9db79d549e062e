// The module tsharness._core: conversions and docstrings around the core, nothing else.
// torch's own functions turn Python values into IValues and back, so tensors share their memory.
#include <ATen/Parallel.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <torch/csrc/jit/python/pybind_utils.h>

#include "core/case_file.h"
#include "core/compare.h"
#include "core/containers.h"
#include "core/devices.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/measure.h"
#include "core/session.h"
#include "core/timed_case.h"
#include "runner/application.h"

namespace py = pybind11;

namespace tsharness {
namespace {

c10::IValue from_python(py::handle value, const c10::TypePtr& type) {
  return translating_errors(ErrorKind::Input, [&] { return torch::jit::toIValue(value, type); });
}

c10::IValue from_python(py::handle value);

std::vector<c10::IValue> from_sequence(const py::sequence& items) {
  std::vector<c10::IValue> values;
  for (const py::handle item : items) values.push_back(from_python(item));
  return values;
}

/// A value that no schema speaks of: its type follows from what it is.
c10::IValue from_python(py::handle value) {
  if (value.is_none()) return {};
  if (THPVariable_Check(value.ptr())) return from_python(value, c10::TensorType::get());
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return from_python(value, c10::IntType::get());
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (PyComplex_Check(value.ptr())) return from_python(value, c10::ComplexType::get());
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::list>(value)) {
    return make_list(from_sequence(value.cast<py::list>()));
  }
  if (py::isinstance<py::tuple>(value)) {
    auto values = from_sequence(value.cast<py::tuple>());
    if (!py::hasattr(value, "_fields")) return c10::ivalue::Tuple::create(std::move(values));
    const auto fields = value.attr("_fields").cast<std::vector<std::string>>();
    return make_named_tuple(py::str(py::type::of(value).attr("__name__")), fields,
                            std::move(values));
  }
  if (py::isinstance<py::dict>(value)) {
    const auto dict = value.cast<py::dict>();
    return make_dict(from_sequence(py::list(dict.attr("keys")())),
                     from_sequence(py::list(dict.attr("values")())));
  }
  throw Error(ErrorKind::Input, "a value of type " +
                                    std::string(py::str(py::type::of(value).attr("__name__"))) +
                                    " is none that a model can take or return");
}

/// A Session whose arguments and results are Python's. Every call into the model lets go of the
/// GIL.
class PythonSession {
 public:
  PythonSession(const std::string& path, const std::string& device)
      : session_(path, available_device(device)) {}

  std::map<std::string, std::string> methods() const {
    std::map<std::string, std::string> schemas;
    for (const MethodInfo& method : session_.methods()) schemas[method.name] = method.schema;
    return schemas;
  }

  py::object run(const std::string& method, const py::args& args, const py::kwargs& kwargs) {
    const BoundCall call = bind(method, args, kwargs);
    c10::IValue result;
    {
      const py::gil_scoped_release released;
      result = session_.run(call);
    }
    return torch::jit::toPyObject(std::move(result));
  }

  std::pair<std::string, std::vector<double>> measure_calls(const std::string& method,
                                                            const py::tuple& args,
                                                            const py::dict& kwargs,
                                                            double min_seconds) {
    const BoundCall call = bind(method, args, kwargs);
    const py::gil_scoped_release released;
    MeasureOptions options;
    options.min_seconds = min_seconds;
    std::vector<double> samples;
    TimedCase timed(session_, {call});
    const GradGuard guard(GradMode::NoGrad);
    const Measured measured =
        Measurement(options).run([&] { timed.run(); },
                                 [&](const std::vector<double>& block) {
                                   samples.insert(samples.end(), block.begin(), block.end());
                                 });
    return {to_json(measured).dump(), samples};
  }

  void restore() {
    const py::gil_scoped_release released;
    session_.restore();
  }

 private:
  BoundCall bind(const std::string& method, const py::tuple& args, const py::dict& kwargs) const {
    const auto schema = session_.schema(method);
    const auto& arguments = schema.arguments();
    BoundCall call{method, {}, {}};
    for (size_t i = 0; i < args.size(); ++i) {
      call.args.push_back(i + 1 < arguments.size() ? from_python(args[i], arguments[i + 1].type())
                                                   : from_python(args[i]));
    }
    for (const auto& [key, value] : kwargs) {
      const auto name = key.cast<std::string>();
      const auto index = schema.argumentIndexWithName(name);
      call.kwargs.emplace(
          name, index ? from_python(value, arguments[*index].type()) : from_python(value));
    }
    return call;
  }

  Session session_;
};

/// A kind of artifact whose runtime Python has: an object with `call(method, leaves)` and `facts`
/// (a JSON text). Takes and gives leaves.
class PythonProgram : public Program {
 public:
  using Load = std::function<py::object()>;
  PythonProgram(std::string kind, Load load) : kind_(std::move(kind)), load_(std::move(load)) {
    const py::gil_scoped_acquire held;
    program_ = load_();
  }
  ~PythonProgram() override {
    const py::gil_scoped_acquire held;
    program_ = py::object();
  }
  PythonProgram(const PythonProgram&) = delete;
  PythonProgram& operator=(const PythonProgram&) = delete;

  std::string kind() const override { return kind_; }
  bool flat() const override { return true; }
  std::vector<MethodInfo> methods() const override { return {{"forward", ""}}; }
  std::vector<std::string> argument_names(const std::string&) const override {
    const py::gil_scoped_acquire held;
    return program_.attr("argument_names").cast<std::vector<std::string>>();
  }
  c10::IValue call(const std::string& method,
                   const std::vector<c10::IValue>& arguments) const override {
    if (method != "forward") no_such_method(*this, method);
    const py::gil_scoped_acquire held;
    py::list leaves;
    for (const c10::IValue& one : arguments) leaves.append(torch::jit::toPyObject(one));
    try {
      return c10::ivalue::Tuple::create(from_sequence(program_.attr("call")(leaves)));
    } catch (const py::error_already_set& error) {
      throw Error(ErrorKind::Execution, py::str(error.value()).cast<std::string>());
    }
  }
  std::unique_ptr<Program> clone() const override {
    return std::make_unique<PythonProgram>(kind_, load_);
  }
  Json facts() const override {
    const py::gil_scoped_acquire held;
    return Json::parse(program_.attr("facts").cast<std::string>());
  }

 private:
  std::string kind_;
  Load load_;
  py::object program_;
};

/// The runner's work in this process, for a kind of artifact that `load(path)` loads.
int run_application_with(std::vector<std::string> arguments, const std::string& kind,
                         const py::function& load, const std::string& cage) {
  add_program_kind(
      {kind, [](const std::string&) { return true; },
       [&](const std::string& path, c10::Device device) {
         if (!device.is_cpu()) {
           throw Error(ErrorKind::Device, kind + " runs on the CPU here, not on " + device.str());
         }
         return std::unique_ptr<Program>(
             std::make_unique<PythonProgram>(kind, [&load, path]() -> py::object {
               try {
                 return load(path);
               } catch (const py::error_already_set& error) {
                 throw Error(ErrorKind::Artifact, py::str(error.value()).cast<std::string>());
               }
             }));
       }});
  std::vector<char*> argv;
  for (std::string& one : arguments) argv.push_back(one.data());
  const py::gil_scoped_release released;
  return application(static_cast<int>(argv.size()), argv.data(),
                     Cage::from_json(Json::parse(cage)));
}

std::string compare_json(py::handle actual, py::handle expected, const std::string& tolerance,
                         const std::string& device) {
  const c10::IValue left = from_python(actual);
  const c10::IValue right = from_python(expected);
  const py::gil_scoped_release released;
  const TolerancePolicy policy(Json::parse(tolerance), c10::Device(device).type());
  Json result = Json::array();
  for (const auto& comparison : compare_values(left, right, policy, false)) {
    result.push_back(to_json(comparison));
  }
  return result.dump();
}

std::vector<std::string> dtype_names() {
  std::vector<std::string> names;
  for (const DType& dtype : all_dtypes()) names.emplace_back(dtype.name);
  return names;
}

void raise_in_python(const Error& error) {
  const auto errors = py::module_::import("tsharness.errors");
  const py::object type = errors.attr("error_of_kind")(kind_name(error.kind()));
  // A message may quote bytes of a file that are not UTF-8.
  const std::string text = error.what();
  const auto message = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  PyErr_SetObject(type.ptr(), message.ptr());
}

}  // namespace
}  // namespace tsharness

PYBIND11_MODULE(_core, module) {
  using namespace tsharness;
  module.doc() = "The C++ core of tsharness, in-process. Use tsharness.load, not this.";
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      raise_in_python(error);
    }
  });

  py::class_<PythonSession>(module, "Session", "A TorchScript artifact, loaded by C++.")
      .def(py::init<const std::string&, const std::string&>(), py::arg("path"), py::arg("device"),
           py::call_guard<py::gil_scoped_release>())
      .def("methods", &PythonSession::methods, "TorchScript schema of every method, by name.")
      .def("run", &PythonSession::run, "run(method, *args, **kwargs): calls a method.")
      .def("measure", &PythonSession::measure_calls, py::arg("method"), py::arg("args"),
           py::arg("kwargs"), py::arg("min_seconds"),
           "Times calls: (warm-up and blocks as JSON, seconds of each call).")
      .def("restore", &PythonSession::restore, "Back to the state in which it was loaded.");
  module.def("compare_json", &compare_json, py::arg("actual"), py::arg("expected"),
             py::arg("tolerance"), py::arg("device"),
             "Compares two values; the comparisons as a JSON array.");
  module.def("copy_case_file", &copy_case_file, py::arg("source"), py::arg("target"),
             py::call_guard<py::gil_scoped_release>(),
             "Reads a case file into LibTorch's values and writes these to another.");
  module.def(
      "run_application", &run_application_with, py::arg("arguments"), py::arg("kind"),
      py::arg("load"), py::arg("cage"),
      "The runner, called with these arguments, in this process: it has one more kind of "
      "artifact, which load(path) loads to an object with call(leaves), argument_names and "
      "facts. The process is in that cage (JSON of tsharness._cage.enter). Returns the exit code.");
  module.def("dtype_names", &dtype_names, "Every dtype that a case file can hold.");
  module.def("set_num_threads", [](int count) { at::set_num_threads(count); }, py::arg("count"));
}
