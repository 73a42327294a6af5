package dev.varve.simulation;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Instruction;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A change of one instruction of a method: the kinds of mistakes that people make.
interface Edit {

  /// @param before the instruction before it; null: it is the first
  boolean matches(@Nullable Instruction before, Instruction instruction);

  void replace(CodeBuilder code, Instruction instruction);

  /// A call is left out; what it would give is null, 0 or false.
  static Edit omit(String call) {
    return ofCall(
        call,
        (code, invoke) -> {
          popArguments(code, invoke, 0);
          if (invoke.opcode() != Opcode.INVOKESTATIC) {
            code.pop();
          }
          pushNothing(code, invoke.typeSymbol().returnType());
        });
  }

  /// A call is left out and gives its first argument.
  static Edit firstArgumentOf(String call) {
    return ofCall(call, (code, invoke) -> popArguments(code, invoke, 1));
  }

  /// Another method of the same form is called.
  static Edit instead(String call, String other) {
    return ofCall(
        call,
        (code, invoke) ->
            code.invoke(
                invoke.opcode(),
                invoke.owner().asSymbol(),
                other,
                invoke.typeSymbol(),
                invoke.isInterface()));
  }

  /// A method of {@link dev.varve.timeline.Planted} is called, which gets the object, if there is
  /// one, as its first argument.
  static Edit planted(String call, String method) {
    return ofCall(
        call,
        (code, invoke) ->
            code.invokestatic(
                ClassDesc.of("dev.varve.timeline.Planted"),
                method,
                invoke.opcode() == Opcode.INVOKESTATIC
                    ? invoke.typeSymbol()
                    : invoke.typeSymbol().insertParameterTypes(0, invoke.owner().asSymbol())));
  }

  /// What a call gives is another number, or another LSN.
  static Edit plus(String call, int difference) {
    return ofCall(
        call,
        (code, invoke) -> {
          code.with(invoke);
          ClassDesc type = invoke.typeSymbol().returnType();
          switch (TypeKind.from(type)) {
            case INT -> code.loadConstant(difference).iadd();
            case LONG -> code.loadConstant((long) difference).ladd();
            default ->
                code.loadConstant((long) difference)
                    .invokevirtual(type, "plus", MethodTypeDesc.of(type, ConstantDescs.CD_long));
          }
        });
  }

  /// A constant is another one.
  static Edit constant(Number is, Number becomes) {
    return new Edit() {
      @Override
      public boolean matches(@Nullable Instruction before, Instruction instruction) {
        return instruction instanceof ConstantInstruction constant
            && constant.constantValue().equals(is);
      }

      @Override
      public void replace(CodeBuilder code, Instruction instruction) {
        switch (becomes) {
          case Integer number -> code.loadConstant(number);
          case Long number -> code.loadConstant(number);
          default -> throw new IllegalArgumentException(becomes.toString());
        }
      }
    };
  }

  /// Where a key is read from a field, it is the next one.
  static Edit nextOf(String field) {
    return new Edit() {
      @Override
      public boolean matches(@Nullable Instruction before, Instruction instruction) {
        return instruction instanceof FieldInstruction access
            && access.opcode() == Opcode.GETFIELD
            && access.name().equalsString(field);
      }

      @Override
      public void replace(CodeBuilder code, Instruction instruction) {
        ClassDesc type = ((FieldInstruction) instruction).typeSymbol();
        code.with(instruction).invokevirtual(type, "next", MethodTypeDesc.of(type));
      }
    };
  }

  /// What is put into a field is something else first.
  static Edit putAs(String field, Consumer<CodeBuilder> other) {
    return new Edit() {
      @Override
      public boolean matches(@Nullable Instruction before, Instruction instruction) {
        return instruction instanceof FieldInstruction access
            && access.opcode() == Opcode.PUTFIELD
            && access.name().equalsString(field);
      }

      @Override
      public void replace(CodeBuilder code, Instruction instruction) {
        other.accept(code);
        code.with(instruction);
      }
    };
  }

  /// `<` becomes `<=`, `>` becomes `>=`, and the other way, in the comparison of what a call gives.
  static Edit shift(String call) {
    return ofBranch(call, (code, branch) -> code.branch(shifted(branch.opcode()), branch.target()));
  }

  /// A comparison of what a call gives has the other outcome.
  static Edit negate(String call) {
    return ofBranch(call, (code, branch) -> code.branch(negated(branch.opcode()), branch.target()));
  }

  /// What a condition on what a call gives leads to happens always, as if there were none.
  static Edit fallThrough(String call) {
    return ofBranch(call, (code, branch) -> popOperands(code, branch.opcode()));
  }

  /// What a condition on what a call gives leads to never happens.
  static Edit jump(String call) {
    return ofBranch(
        call,
        (code, branch) -> {
          popOperands(code, branch.opcode());
          code.goto_(branch.target());
        });
  }

  private static Edit ofCall(String name, Replacement<InvokeInstruction> replacement) {
    return new Edit() {
      @Override
      public boolean matches(@Nullable Instruction before, Instruction instruction) {
        return isCall(instruction, name);
      }

      @Override
      public void replace(CodeBuilder code, Instruction instruction) {
        replacement.replace(code, (InvokeInstruction) instruction);
      }
    };
  }

  /// @param after the name of the method, or of the field, whose value the branch looks at
  private static Edit ofBranch(String after, Replacement<BranchInstruction> replacement) {
    return new Edit() {
      @Override
      public boolean matches(@Nullable Instruction before, Instruction instruction) {
        boolean asked =
            isCall(before, after)
                || (before instanceof FieldInstruction field && field.name().equalsString(after));
        return asked
            && instruction instanceof BranchInstruction branch
            && branch.opcode() != Opcode.GOTO;
      }

      @Override
      public void replace(CodeBuilder code, Instruction instruction) {
        replacement.replace(code, (BranchInstruction) instruction);
      }
    };
  }

  /// What stands in the place of an instruction.
  interface Replacement<T> {
    void replace(CodeBuilder code, T instruction);
  }

  private static boolean isCall(@Nullable Instruction instruction, String name) {
    return instruction instanceof InvokeInstruction invoke && invoke.name().equalsString(name);
  }

  private static void popArguments(CodeBuilder code, InvokeInstruction invoke, int left) {
    List<ClassDesc> types = invoke.typeSymbol().parameterList();
    for (ClassDesc type : types.subList(left, types.size()).reversed()) {
      if (TypeKind.from(type).slotSize() == 2) {
        code.pop2();
      } else {
        code.pop();
      }
    }
  }

  private static void pushNothing(CodeBuilder code, ClassDesc type) {
    switch (TypeKind.from(type)) {
      case VOID -> {}
      case LONG -> code.lconst_0();
      case REFERENCE -> code.aconst_null();
      case DOUBLE -> code.dconst_0();
      case FLOAT -> code.fconst_0();
      case BOOLEAN, BYTE, CHAR, INT, SHORT -> code.iconst_0();
    }
  }

  private static void popOperands(CodeBuilder code, Opcode opcode) {
    switch (opcode) {
      case IF_ICMPEQ, IF_ICMPNE, IF_ICMPLT, IF_ICMPGE, IF_ICMPGT, IF_ICMPLE, IF_ACMPEQ, IF_ACMPNE ->
          code.pop2();
      default -> code.pop();
    }
  }

  private static Opcode shifted(Opcode opcode) {
    return switch (opcode) {
      case IFLT -> Opcode.IFLE;
      case IFLE -> Opcode.IFLT;
      case IFGT -> Opcode.IFGE;
      case IFGE -> Opcode.IFGT;
      case IF_ICMPLT -> Opcode.IF_ICMPLE;
      case IF_ICMPLE -> Opcode.IF_ICMPLT;
      case IF_ICMPGT -> Opcode.IF_ICMPGE;
      case IF_ICMPGE -> Opcode.IF_ICMPGT;
      default -> throw new IllegalArgumentException("no border to shift: " + opcode);
    };
  }

  private static Opcode negated(Opcode opcode) {
    return switch (opcode) {
      case IFEQ -> Opcode.IFNE;
      case IFNE -> Opcode.IFEQ;
      case IFLT -> Opcode.IFGE;
      case IFGE -> Opcode.IFLT;
      case IFGT -> Opcode.IFLE;
      case IFLE -> Opcode.IFGT;
      case IFNULL -> Opcode.IFNONNULL;
      case IFNONNULL -> Opcode.IFNULL;
      default -> throw new IllegalArgumentException("not negated: " + opcode);
    };
  }
}
