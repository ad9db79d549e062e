#include "core/flat_values.h"

#include "core/containers.h"
#include "core/error.h"
#include "core/value_names.h"

namespace tsharness {

using c10::IValue;

namespace {

IValue as_number(const IValue& like, const IValue& leaf) {
  if (!leaf.isTensor() || leaf.toTensor().numel() != 1) return leaf;
  const at::Scalar scalar = leaf.toTensor().item();
  if (like.isBool()) return scalar.toBool();
  if (like.isInt()) return scalar.toLong();
  if (like.isDouble()) return scalar.toDouble();
  return leaf;
}

class Arranger {
 public:
  explicit Arranger(const std::vector<IValue>& leaves) : leaves_(leaves) {}

  IValue arrange(const IValue& like) {
    if (like.isNone()) return like;
    if (like.isList()) {
      std::vector<IValue> values;
      const auto list = like.toList();
      for (size_t i = 0; i < list.size(); ++i) values.push_back(arrange(list.get(i)));
      return make_list(values);
    }
    if (like.isTuple()) {
      std::vector<IValue> values;
      for (const IValue& one : like.toTupleRef().elements()) values.push_back(arrange(one));
      const auto type = like.toTupleRef().type();
      if (type->schema() == nullptr) return c10::ivalue::Tuple::create(std::move(values));
      return make_named_tuple(type->name() ? type->name()->name() : type->schema()->name(),
                              field_names(like.toTupleRef()), std::move(values));
    }
    if (like.isGenericDict()) {
      std::vector<IValue> keys;
      std::vector<IValue> values;
      for (const auto& item : like.toGenericDict()) {
        keys.push_back(item.key());
        values.push_back(arrange(item.value()));
      }
      return make_dict(keys, values);
    }
    const IValue leaf = next_ < leaves_.size() ? leaves_[next_] : IValue();
    ++next_;
    return like.isTensor() ? leaf : as_number(like, leaf);
  }

  size_t wanted() const { return next_; }

 private:
  const std::vector<IValue>& leaves_;
  size_t next_ = 0;
};

}  // namespace

void add_leaves(const IValue& value, std::vector<IValue>& leaves) {
  if (value.isNone()) return;
  if (value.isList()) {
    const auto list = value.toList();
    for (size_t i = 0; i < list.size(); ++i) add_leaves(list.get(i), leaves);
  } else if (value.isTuple()) {
    for (const IValue& one : value.toTupleRef().elements()) add_leaves(one, leaves);
  } else if (value.isGenericDict()) {
    for (const auto& item : value.toGenericDict()) add_leaves(item.value(), leaves);
  } else {
    leaves.push_back(value);
  }
}

IValue arranged_like(const IValue& like, const std::vector<IValue>& leaves) {
  Arranger arranger(leaves);
  IValue arranged = arranger.arrange(like);
  if (arranger.wanted() != leaves.size()) {
    throw Error(ErrorKind::Execution, "gives " + std::to_string(leaves.size()) +
                                          " outputs, but the case has " +
                                          std::to_string(arranger.wanted()));
  }
  return arranged;
}

}  // namespace tsharness
