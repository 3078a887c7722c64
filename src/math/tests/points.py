#!/usr/bin/env python3
"""Random points of elementary functions with exact results, by MPFR (gmpy2).

    python points.py COUNT SEED [function ...] > points.txt

The committed points.txt is COUNT 40, SEED 7, with all functions. A line is a function, the bits of its operands, the bits of the
correctly rounded result, and how far the exact result lies beyond that, in 2^-20 of a unit in the last place.
"""

import gmpy2, struct, random, sys
from gmpy2 import mpfr

N=int(sys.argv[1]); random.seed(int(sys.argv[2]))
names=sys.argv[3:] 
gmpy2.get_context().precision=240
gmpy2.get_context().emax=10**8; gmpy2.get_context().emin=-10**8
def bits(x): return struct.unpack('<Q',struct.pack('<d',x))[0]
def val(b): return struct.unpack('<d',struct.pack('<Q',b))[0]
U=random.uniform
def logu(a,b): return 2.0**U(a,b)
def sgn(x): return x if random.random()<.5 else -x
def anyd():
    while True:
        x=val(random.getrandbits(64))
        if x==x and abs(x)!=float('inf'): return x
def mix(*fs):
    return lambda: random.choice(fs)()
near=lambda c,w=20: (lambda: c*(1+sgn(logu(-52,-w/10))))
ln2=gmpy2.log(mpfr(2))
F={
'exp':(gmpy2.exp,mix(lambda:U(-745,710),lambda:sgn(logu(-60,3)))),
'exp2':(gmpy2.exp2,mix(lambda:U(-1074,1024),lambda:sgn(logu(-60,3)))),
'expm1':(gmpy2.expm1,mix(lambda:U(-40,710),lambda:sgn(logu(-70,3)),lambda:U(-2,2))),
'log':(gmpy2.log,mix(lambda:abs(anyd()),lambda:U(.5,2),near(1.0))),
'log2':(gmpy2.log2,mix(lambda:abs(anyd()),lambda:U(.5,2),near(1.0))),
'log10':(gmpy2.log10,mix(lambda:abs(anyd()),lambda:U(.5,2),near(1.0))),
'log1p':(gmpy2.log1p,mix(lambda:abs(anyd()),lambda:U(-.9999,2),lambda:sgn(logu(-60,0)),lambda:logu(-10,60))),
'sin':(gmpy2.sin,mix(lambda:sgn(logu(-30,50)),lambda:U(-7,7),lambda:sgn(logu(40,1024)))),
'cos':(gmpy2.cos,mix(lambda:sgn(logu(-30,50)),lambda:U(-7,7),lambda:sgn(logu(40,1024)))),
'tan':(gmpy2.tan,mix(lambda:sgn(logu(-30,50)),lambda:U(-7,7),lambda:sgn(logu(40,1024)))),
'asin':(gmpy2.asin,mix(lambda:U(-1,1),lambda:sgn(logu(-40,0)),lambda:sgn(1-logu(-52,0)))),
'acos':(gmpy2.acos,mix(lambda:U(-1,1),lambda:sgn(logu(-40,0)),lambda:sgn(1-logu(-52,0)))),
'atan':(gmpy2.atan,mix(lambda:U(-3,3),lambda:sgn(logu(-40,60)))),
'sinh':(gmpy2.sinh,mix(lambda:U(-711,711),lambda:sgn(logu(-40,6)),lambda:U(-3,3))),
'cosh':(gmpy2.cosh,mix(lambda:U(-711,711),lambda:sgn(logu(-40,6)),lambda:U(-3,3))),
'tanh':(gmpy2.tanh,mix(lambda:U(-20,20),lambda:sgn(logu(-40,4)),lambda:U(-3,3))),
'asinh':(gmpy2.asinh,mix(anyd,lambda:sgn(logu(-40,40)),lambda:U(-3,3))),
'acosh':(gmpy2.acosh,mix(lambda:1+abs(anyd()),lambda:1+logu(-52,40),lambda:U(1,5))),
'atanh':(gmpy2.atanh,mix(lambda:U(-1,1),lambda:sgn(logu(-40,0)),lambda:sgn(1-logu(-53,0)))),
'cbrt':(gmpy2.cbrt,mix(anyd,lambda:U(-8,8))),
'erf':(gmpy2.erf,mix(lambda:U(-6,6),lambda:sgn(logu(-60,1)),lambda:U(-1,1))),
'erfc':(gmpy2.erfc,mix(lambda:U(-6,27),lambda:sgn(logu(-60,1)),lambda:U(-1,4))),
'pow':(lambda x,y:x**y,mix(lambda:(logu(-20,20),U(-30,30)),lambda:(U(.5,2),U(-700,700)),lambda:(U(0,10),U(-10,10)))),
'atan2':(gmpy2.atan2,mix(lambda:(U(-1,1),U(-1,1)),lambda:(sgn(logu(-40,40)),sgn(logu(-40,40))))),
'hypot':(gmpy2.hypot,mix(lambda:(U(-1,1),U(-1,1)),lambda:(anyd(),anyd()),lambda:(sgn(logu(-30,30)),sgn(logu(-30,30))))),
'logaddexp':(lambda x,y:gmpy2.log(gmpy2.exp(x)+gmpy2.exp(y)),mix(lambda:(U(-50,50),U(-50,50)),lambda:(U(-3,3),U(-3,3)),lambda:(0.0,U(-700,0)))),
'logaddexp2':(lambda x,y:gmpy2.log2(gmpy2.exp2(x)+gmpy2.exp2(y)),mix(lambda:(U(-50,50),U(-50,50)),lambda:(U(-3,3),U(-3,3)),lambda:(0.0,U(-700,0)))),
'logistic':(lambda x:1/(1+gmpy2.exp(-x)),mix(lambda:U(-745,40),lambda:sgn(logu(-60,6)),lambda:U(-4,4))),
'sinc':(lambda x:gmpy2.sin(gmpy2.const_pi()*x)/(gmpy2.const_pi()*x),mix(lambda:U(-9,9),lambda:sgn(logu(-30,40)),lambda:round(U(-99,99))+sgn(logu(-40,-2)))),
'gamma':(gmpy2.gamma,mix(lambda:U(-184,171.6),lambda:U(-5,5),lambda:sgn(logu(-1022,4)),lambda:round(U(-170,170))+sgn(logu(-40,-2)))),
'lgamma':(lambda x:gmpy2.lgamma(x)[0],mix(lambda:U(-30,30),lambda:U(-3,4),lambda:sgn(logu(-1022,4)),lambda:logu(0,1010),lambda:round(U(-30,3))+sgn(logu(-40,-2)))),
}
for n in (names or F):
    f,gen=F[n]; k=0
    gmpy2.get_context().precision=1400 if n.startswith('logadd') else 240
    while k<N:
        a=gen(); a=a if isinstance(a,tuple) else (a,)
        r=f(*[mpfr(x) for x in a])
        if gmpy2.is_nan(r) or gmpy2.is_infinite(r) or r==0: continue
        e=gmpy2.get_exp(r) # r = m 2^e, m in [.5,1)
        if e>1024: continue
        u=max(e-53,-1074)
        q=gmpy2.mul_2exp(abs(r),-u) if u<0 else gmpy2.div_2exp(abs(r),u)
        i=gmpy2.rint(q); fr=q-i
        w=float(gmpy2.mul_2exp(i,u)if u>=0 else gmpy2.div_2exp(i,-u))
        if w==float('inf') or w==0: continue
        w=-w if r<0 else w
        print(n,*['%016x'%bits(x) for x in a],'%016x'%bits(w),'%d'%int(fr*2**20)); k+=1
